"""The faults that can happen to any answer: late, cut, refused, garbled."""

import gzip
import json
import time
from email.utils import formatdate
from typing import Protocol

from .faults import Rule
from .wire import Call, Reply, html_reply

SLOW_SECONDS = 25.0
HUGE = 20_000_000
ABSURD = "1000000000"
LARGEST_COMPRESSED = 64 << 20


class Refuser(Protocol):
    """What is needed of a provider here: its own way to say no."""

    def failure(self, status: int, message: str = "") -> Reply:
        """The provider's answer with this status."""
        ...


def instead(rule: Rule, refuser: Refuser) -> Reply:
    """The answer of a fault that takes the place of the real one."""
    if rule.fault == "cut":
        reply = Reply(cut=True)
    elif rule.fault == "429":
        reply = refuser.failure(429)
        wait = _retry_after(rule)
        reply.headers |= {"Retry-After": wait} if wait else {}
    else:
        status = rule.status or 500
        reply = bad_gateway() if status == 502 else refuser.failure(status)
    if rule.body is not None:
        text = isinstance(rule.body, str)
        reply.body = (rule.body if text else json.dumps(rule.body)).encode()
        reply.headers["Content-Type"] = "text/html; charset=utf-8" if text else "application/json"
    reply.headers |= rule.headers
    return reply


def bad_gateway() -> Reply:
    """What a gateway in front of any of the providers answers: never JSON."""
    return html_reply("502 Bad Gateway", "<p>nginx</p>", 502)


def _retry_after(rule: Rule) -> str:
    match rule.retry_after:
        case "date":
            return formatdate(time.time() + (rule.seconds or 2), usegmt=True)
        case "absurd":
            return ABSURD
        case None | "absent" | "none":
            return ""
        case value:
            return str(value)


def spoil(rule: Rule, call: Call, reply: Reply) -> Reply:
    """Apply a fault of transport or form to a finished answer; others leave it, for they showed in its making."""
    match rule.fault:
        case "slow":
            reply.delay = SLOW_SECONDS if rule.seconds is None else float(rule.seconds)
        case "drip":
            reply.drip = 10.0 if rule.seconds is None else float(rule.seconds)
        case "lost_answer":
            reply.cut = True
        case "half_answer":
            length = len(reply.body)
            reply.declared, reply.stop_after = max(length, 40), length // 2
        case "garbage":
            reply = _garbage(rule)
        case "huge_json":
            reply.body = _huge(_whole(reply))
        case "gzip":
            reply.body = gzip.compress(_whole(reply), mtime=0)
            reply.headers["Content-Encoding"] = "gzip"
        case _:
            return reply
    reply.headers |= rule.headers
    return reply


def _whole(reply: Reply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return (
        b"".join(reply.body.chunks()) if len(reply.body) <= LARGEST_COMPRESSED else b"too large to be compressed here"
    )


def _garbage(rule: Rule) -> Reply:
    json_type = {"Content-Type": "application/json"}
    match rule.variant or "html":
        case "text":
            return Reply(200, {"Content-Type": "text/plain"}, b"OK")
        case "empty":
            return Reply(200, json_type, b"")
        case "utf8":
            return Reply(200, json_type, b'{"id": "\xff\xfe\x80", "status": "\xc3"}')
        case "duplicate_keys":
            return Reply(200, json_type, b'{"id": 1, "id": 2, "status": "running", "status": "complete"}')
        case "list":
            return Reply(200, json_type, b"[1, 2, 3]")
        case "nested":
            return Reply(200, json_type, b"[" * 100_000)
        case _:
            return html_reply("Maintenance", "<p>We will be back soon.</p>")


def _huge(body: bytes) -> bytes:
    filler = b'"filler": "' + b"x" * HUGE + b'"'
    if body.startswith(b"["):
        return b"[{" + filler + b"}" + (b", " if body != b"[]" else b"") + body[1:]
    return b"{" + filler + (b", " if body != b"{}" else b"") + (body[1:] or b"}")
