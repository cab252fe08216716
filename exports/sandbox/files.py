"""Finished files behind unguessable addresses: ranges, validators, and what can go wrong with them."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from .blob import Blob, Span
from .faults import Rule
from .jobs import Job, Link
from .mischief import instead, spoil
from .wire import Call, Reply, html_reply

if TYPE_CHECKING:
    from .service import Service
    from .world import World

METADATA_ADDRESS = "http://169.254.169.254/latest/meta-data/"
CACHED = 64
RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")
PATH = re.compile(r"/files/(?:moved/)?([\w-]{20,})/([^/]+)\Z")


@dataclass(frozen=True, slots=True)
class Shown:
    """A file as one request sees it."""

    blob: Blob
    etag: str
    modified: float
    content_type: str


class Files:
    """Answers requests for files. Only the choice of what to do holds the lock; bytes are made while sending."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.clear()

    def clear(self) -> None:
        """Forget the contents made so far."""
        self._made: OrderedDict[tuple[str, str, int], Blob] = OrderedDict()

    def answer(self, service: "Service", call: Call) -> Reply:
        """The answer to one request under `/files/`."""
        world = self._world
        with world.lock:
            world.ledger.requests[service.slug]["file"] += 1
            world.ledger.note_leak(service.slug, call)
            match = PATH.match(call.path)
            link = world.jobs.find_link(match[1]) if match else None
            job = world.jobs.get(link.provider, link.job) if link else None
            if link is None or job is None or link.provider != service.slug:
                return _refusal(404, "No such file")
            if call.method not in ("GET", "HEAD"):
                return _refusal(405, "Only GET and HEAD")
            if link.dead:
                return _refusal(link.dead, "This link is no longer valid")
            rule = self._pick(job, link, call)
            if rule and not rule.does_the_work:
                rule.fired += 1
                return _refuse_by(rule)
            shown = self._shown(service, job, link)
            return self._spoiled(rule, shown, link, call) if rule else _content(shown, call)

    def _pick(self, job: Job, link: Link, call: Call) -> Rule | None:
        if call.method == "HEAD":
            return None
        world, moved = self._world, call.path.startswith("/files/moved/")

        def fits(rule: Rule) -> bool:
            if rule.fault in ("cut_once", "changed_file"):
                return link.cuts == 0
            if rule.fault == "dead_link":
                return link.generation == 1
            return not (moved and rule.fault == "redirect_ok")

        rule = world.faults.pick(job.provider, "file", job.project, job.id, fits)
        call.rule = rule
        return rule

    def _shown(self, service: "Service", job: Job, link: Link) -> Shown:
        key = (job.provider, job.id, link.version)
        blob = self._made.get(key)
        if blob is None:
            blob = self._made[key] = service.content(job, link.version)
            if len(self._made) > CACHED:
                self._made.popitem(last=False)
        etag = f'"{job.provider}-{job.id}-{link.version}-{blob.size:x}"'
        return Shown(blob, etag, job.ends_at + link.version, service.content_types[job.format])

    def _spoiled(self, rule: Rule, shown: Shown, link: Link, call: Call) -> Reply:
        """The answer that a fault makes of a file."""
        rule.fired += 1
        size, middle = shown.blob.size, shown.blob.size // 2
        match rule.fault:
            case "truncated":
                return _cut_at(_content(shown, call), middle, rule.variant or "length")
            case "cut_once" | "changed_file":
                link.cuts += 1
                self._world.touch()
                if rule.fault == "changed_file":
                    link.version += 1
                return _cut_at(_content(shown, call), middle, rule.variant or "length")
            case "truncated_quietly":
                short = _shortened(shown.blob, size * 2 // 3)
                return _content(Shown(short, shown.etag, shown.modified, shown.content_type), call)
            case "empty_file":
                return _content(Shown(Blob([]), '"empty"', shown.modified, shown.content_type), call)
            case "no_ranges":
                reply = _content(shown, call, ranges=False)
                del reply.headers["Accept-Ranges"]
                return reply
            case "wrong_range":
                return _wrong_range(shown, call, rule)
            case "dead_link" | "dead_for_good":
                link.dead = rule.status or 410
                self._world.touch()
                return _refusal(link.dead, "This link is no longer valid")
            case "wrong_type":
                return html_reply("Please sign in", "<p>This is not the file.</p>")
            case "endless_file":
                return Reply(200, {"Content-Type": shown.content_type}, bytes(1 << 16), framing="close", endless=True)
            case "redirect_private":
                return _moved(rule.location or METADATA_ADDRESS)
            case "redirect_loop":
                return _moved(rule.location or call.base + call.path)
            case "redirect_scheme":
                return _moved(rule.location or "ftp://127.0.0.1/export.zip")
            case "redirect_ok":
                return _moved(rule.location or f"{call.base}/files/moved/{link.token}/{link.name}")
            case _:
                return spoil(rule, call, _content(shown, call, ranges=rule.fault != "gzip"))


def _refusal(status: int, text: str) -> Reply:
    return html_reply(text, status=status)


class _Plain:
    """A file server's own way to say no, whoever the provider is."""

    def failure(self, status: int, message: str = "") -> Reply:
        """An HTML page with this status."""
        return _refusal(status, message or f"Error {status}")


def _refuse_by(rule: Rule) -> Reply:
    return instead(rule, _Plain())


def _moved(location: str) -> Reply:
    return Reply(302, {"Location": location, "Content-Type": "text/plain"}, b"Moved (stand-in)\n")


def _content(shown: Shown, call: Call, ranges: bool = True) -> Reply:
    """The file or the asked-for range of it: 200, 206, 304 or 416."""
    size = shown.blob.size
    headers = {
        "Content-Type": shown.content_type,
        "ETag": shown.etag,
        "Last-Modified": formatdate(shown.modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if shown.etag in call.header("If-None-Match"):
        return Reply(304, headers)
    asked = _asked_range(shown, call, headers["Last-Modified"]) if ranges else None
    if asked is None:
        return Reply(200, headers, Span(shown.blob, 0, size))
    start, stop = asked
    if start >= stop:
        headers["Content-Range"] = f"bytes */{size}"
        return Reply(416, headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Reply(206, headers, Span(shown.blob, start, stop))


def _asked_range(shown: Shown, call: Call, modified: str) -> tuple[int, int] | None:
    """First and last-but-one byte asked for; equal ones mean a range that cannot be had, None no range at all."""
    match = RANGE.match(call.header("Range").replace(" ", ""))
    condition = call.header("If-Range")
    if not match or match.groups() == ("", "") or (condition and condition not in (shown.etag, modified)):
        return None
    size = shown.blob.size
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    stop = min(size, int(last) + 1) if last else size
    if int(first) >= stop:
        # A last byte before the first one is no range at all; a first byte past the end is one that cannot be had.
        return None if last and int(last) < int(first) else (0, 0)
    return int(first), stop


def _cut_at(reply: Reply, position: int, framing: str) -> Reply:
    """Break off where the file reaches this position, whatever part of it was asked for."""
    if isinstance(reply.body, Span):
        reply.stop_after = max(0, min(len(reply.body), position - reply.body.start))
        reply.framing = framing
    return reply


def _shortened(blob: Blob, size: int) -> Blob:
    """The first bytes of a file; a CSV ends inside a quoted field, so that its content tells that it is short."""
    kept = b"".join(blob.chunks(0, min(size, 1 << 20)))
    if blob.size <= 1 << 20 and kept.startswith(b"\xef\xbb\xbf"):
        size = kept.rfind(b';"') + 3 if b';"' in kept else size
    return _Prefix(blob, size)


class _Prefix(Blob):
    """The beginning of a blob, without a copy of it."""

    def __init__(self, blob: Blob, size: int) -> None:
        super().__init__(blob.parts)
        self.size = size


def _wrong_range(shown: Shown, call: Call, rule: Rule) -> Reply:
    """A range other than the one asked for; `variant` 416 refuses the range."""
    reply = _content(shown, call)
    if rule.variant == "416":
        return Reply(416, {**reply.headers, "Content-Range": f"bytes */{shown.blob.size}"})
    if isinstance(reply.body, Span) and reply.status == 206:
        start = max(0, reply.body.start - 100)
        reply.body = Span(shown.blob, start, start + len(reply.body))
        reply.headers["Content-Range"] = f"bytes {start}-{reply.body.stop - 1}/{shown.blob.size}"
    return reply
