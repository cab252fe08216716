"""The faults of any answer: late, cut, refused, garbled."""

import gzip
import json
import re
import time
from email.utils import formatdate
from typing import Protocol

from exports.sandbox.faults import Rule
from exports.sandbox.request_parsing import Request, Response, html_response

SLOW_SECONDS = 25.0
HUGE_BODY_BYTES = 20_000_000
ABSURD_RETRY_AFTER = "1000000000"
MAX_COMPRESSED_BYTES = 64 << 20


class ErrorResponder(Protocol):
    """The part of a provider that is needed here: its error answers."""

    def error_response(self, status: int, message: str = "") -> Response:
        """The provider's answer with this status."""
        ...


def replacement_response(rule: Rule, refuser: ErrorResponder) -> Response:
    """The answer of a fault that replaces the real one."""
    if rule.fault == "cut":
        reply = Response(cut=True)
    elif rule.fault == "429":
        reply = refuser.error_response(429)
        wait = _retry_after(rule)
        reply.headers |= {"Retry-After": wait} if wait else {}
    else:
        status = rule.status or 500
        reply = bad_gateway() if status == 502 else refuser.error_response(status)
    if rule.body is not None:
        text = isinstance(rule.body, str)
        reply.body = (rule.body if text else json.dumps(rule.body)).encode()
        reply.headers["Content-Type"] = "text/html; charset=utf-8" if text else "application/json"
    reply.headers |= rule.headers
    return reply


def bad_gateway() -> Response:
    """The answer of a gateway in front of any provider, which is HTML and not JSON."""
    return html_response("502 Bad Gateway", "<p>nginx</p>", 502)


def _retry_after(rule: Rule) -> str:
    match rule.retry_after:
        case "date":
            return formatdate(time.time() + (rule.seconds or 2), usegmt=True)
        case "absurd":
            return ABSURD_RETRY_AFTER
        case None | "absent" | "none":
            return ""
        case value:
            return str(value)


def apply_fault(rule: Rule, call: Request, reply: Response) -> Response:
    """The answer with a fault of transport or format applied; other faults were applied when it was made."""
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
        case "id_as_text":
            reply.body = re.sub(rb'("id": )([0-9]+)', rb'\1"\2"', _whole(reply))
        case "gzip":
            reply.body = gzip.compress(_whole(reply), mtime=0)
            reply.headers["Content-Encoding"] = "gzip"
        case _:
            return reply
    reply.headers |= rule.headers
    return reply


def _whole(reply: Response) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return (
        b"".join(reply.body.chunks()) if len(reply.body) <= MAX_COMPRESSED_BYTES else b"too large to be compressed here"
    )


def _garbage(rule: Rule) -> Response:
    json_type = {"Content-Type": "application/json"}
    match rule.variant or "html":
        case "text":
            return Response(200, {"Content-Type": "text/plain"}, b"OK")
        case "empty":
            return Response(200, json_type, b"")
        case "utf8":
            return Response(200, json_type, b'{"id": "\xff\xfe\x80", "status": "\xc3"}')
        case "duplicate_keys":
            return Response(200, json_type, b'{"id": 1, "id": 2, "status": "running", "status": "complete"}')
        case "list":
            return Response(200, json_type, b"[1, 2, 3]")
        case "nested":
            return Response(200, json_type, b"[" * 100_000)
        case _:
            return html_response("Maintenance", "<p>We will be back soon.</p>")


def _huge(body: bytes) -> bytes:
    filler = b'"filler": "' + b"x" * HUGE_BODY_BYTES + b'"'
    if body.startswith(b"["):
        return b"[{" + filler + b"}" + (b", " if body != b"[]" else b"") + body[1:]
    return b"{" + filler + (b", " if body != b"{}" else b"") + (body[1:] or b"}")
