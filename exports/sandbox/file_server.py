"""Finished files behind unguessable addresses, with ranges, validators and faults."""

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from exports.sandbox.blob import Blob, BlobRange
from exports.sandbox.faults import FAULTS, REFUSAL_FAULTS, Rule
from exports.sandbox.jobs import Job, Link
from exports.sandbox.request_parsing import Request, Response, html_response
from exports.sandbox.response_faults import apply_fault, replacement_response

if TYPE_CHECKING:
    from exports.sandbox.provider_base import Service
    from exports.sandbox.state import SandboxState

METADATA_ADDRESS = "http://169.254.169.254/latest/meta-data/"
MAX_CACHED = 64
# A file that was moved to is not moved again.
FAULTS_OF_REDIRECTS = frozenset(("redirect_ok", "redirect_elsewhere"))
RANGE_HEADER = re.compile(r"bytes=(\d*)-(\d*)\Z")
STORAGE_PATH = re.compile(r"/storage/([\w-]+)/([\w-]{20,})/([^/]+)\Z")
FILE_PATH = re.compile(r"/files/(?:moved/)?([\w-]{20,})/([^/]+)\Z")


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A file as one request is to receive it."""

    blob: Blob
    etag: str
    modified: float
    content_type: str


class Files:
    """Answers requests for files. The lock is held only while the answer is chosen; bytes are made while sending."""

    def __init__(self, state: "SandboxState") -> None:
        self._state = state
        self.clear()

    def clear(self) -> None:
        """Forgets the cached contents."""
        self._made: OrderedDict[tuple[str, str, int], Blob] = OrderedDict()

    def respond(self, service: "Service", call: Request) -> Response:
        """The answer to one request under `/files/`; its link is permission enough unless declared otherwise."""
        with self._state.lock:
            self._state.ledger.requests[service.slug]["file"] += 1
            if service.declaration.authorised_downloads:
                caller = service.authenticate(call)
                if isinstance(caller, Response):
                    return caller
            else:
                self._state.ledger.record_leak(service.slug, call)
            match = FILE_PATH.match(call.path)
            return self._by_link(service, match[1] if match else "", call)

    def respond_from_storage(self, call: Request) -> Response:
        """The answer to one request under `/storage/`, which belongs to no API: a credential has no business here."""
        with self._state.lock:
            match = STORAGE_PATH.match(call.path)
            service = self._state.services.get(match[1]) if match else None
            if match is None or service is None:
                return _refusal(404, "No such file")
            self._state.ledger.requests[service.slug]["file"] += 1
            self._state.ledger.record_leak(service.slug, call)
            return self._by_link(service, match[2], call)

    def _by_link(self, service: "Service", token: str, call: Request) -> Response:
        link = self._state.jobs.find_link(token)
        job = self._state.jobs.get(link.provider, link.job) if link else None
        if link is None or job is None or link.provider != service.slug:
            return _refusal(404, "No such file")
        if call.method not in ("GET", "HEAD"):
            return _refusal(405, "Only GET and HEAD")
        if link.dead:
            return _refusal(link.dead, "This link is no longer valid")
        return self._answer(service, job, link, call)

    def send(self, service: "Service", call: Request) -> Response:
        """The file of the request's job, from a route of the API; callers hold the stand-in's lock."""
        assert call.job is not None  # noqa: S101 - for the type checker
        return self._answer(service, call.job, service.file_link(call.job), call)

    def redirect(self, service: "Service", call: Request) -> Response:
        """A redirect to the file of the request's job in the storage, where the faults of the file itself show."""
        assert call.job is not None  # noqa: S101 - for the type checker
        rule = self._pick(call.job, service.file_link(call.job), call, REFUSAL_FAULTS)
        if rule:
            rule.fired += 1
            return _refuse_by(rule)
        return _moved(service.storage_url(call.job, call))

    def _answer(self, service: "Service", job: Job, link: Link, call: Request) -> Response:
        moved = call.path.startswith(("/files/moved/", "/storage/"))
        rule = self._pick(job, link, call, FAULTS.keys() - FAULTS_OF_REDIRECTS if moved else FAULTS.keys())
        if rule and not rule.executes_request:
            rule.fired += 1
            return _refuse_by(rule)
        shown = self._shown(service, job, link)
        if rule is None:
            return _content(shown, call)
        if rule.fault == "redirect_elsewhere":
            rule.fired += 1
            return _moved(rule.location or service.storage_url(job, call))
        return self._spoiled(rule, shown, link, call)

    def _pick(self, job: Job, link: Link, call: Request, possible: Collection[str]) -> Rule | None:
        if call.method == "HEAD":
            return None

        def fits(rule: Rule) -> bool:
            if rule.fault in ("cut_once", "changed_file"):
                return link.cuts == 0 and rule.fault in possible
            if rule.fault == "dead_link":
                return link.generation == 1 and rule.fault in possible
            return rule.fault in possible

        rule = self._state.faults.pick(job.provider, "file", job.project, job.id, fits)
        call.rule = rule
        return rule

    def _shown(self, service: "Service", job: Job, link: Link) -> ServedFile:
        key = (job.provider, job.id, link.version)
        blob = self._made.get(key)
        if blob is None:
            blob = self._made[key] = service.content(job, link.version)
            if len(self._made) > MAX_CACHED:
                self._made.popitem(last=False)
        etag = f'"{job.provider}-{job.id}-{link.version}-{blob.size:x}"'
        return ServedFile(blob, etag, job.ends_at + link.version, service.declaration.content_types[job.format])

    def _spoiled(self, rule: Rule, shown: ServedFile, link: Link, call: Request) -> Response:
        """The answer that the rule makes of the file."""
        rule.fired += 1
        size, middle = shown.blob.size, shown.blob.size // 2
        match rule.fault:
            case "truncated":
                return _cut_at(_content(shown, call), middle, rule.variant or "length")
            case "cut_once" | "changed_file":
                link.cuts += 1
                self._state.mark_changed()
                if rule.fault == "changed_file":
                    link.version += 1
                return _cut_at(_content(shown, call), middle, rule.variant or "length")
            case "truncated_quietly":
                short = _shortened(shown.blob, size * 2 // 3)
                return _content(ServedFile(short, shown.etag, shown.modified, shown.content_type), call)
            case "empty_file":
                return _content(ServedFile(Blob([]), '"empty"', shown.modified, shown.content_type), call)
            case "no_ranges":
                reply = _content(shown, call, ranges=False)
                del reply.headers["Accept-Ranges"]
                return reply
            case "wrong_range":
                return _wrong_range(shown, call, rule)
            case "dead_link" | "dead_for_good":
                link.dead = rule.status or 410
                self._state.mark_changed()
                return _refusal(link.dead, "This link is no longer valid")
            case "wrong_type":
                return html_response("Please sign in", "<p>This is not the file.</p>")
            case "endless_file":
                return Response(
                    200, {"Content-Type": shown.content_type}, bytes(1 << 16), framing="close", endless=True
                )
            case "redirect_private":
                return _moved(rule.location or METADATA_ADDRESS)
            case "redirect_loop":
                return _moved(rule.location or call.origin + call.path)
            case "redirect_scheme":
                return _moved(rule.location or "ftp://127.0.0.1/export.zip")
            case "redirect_ok":
                return _moved(rule.location or f"{call.origin}/files/moved/{link.token}/{link.name}")
            case _:
                return apply_fault(rule, call, _content(shown, call, ranges=rule.fault != "gzip"))


def _refusal(status: int, text: str) -> Response:
    return html_response(text, status=status)


class _Plain:
    """The error answers of a file server, which are the same for all providers."""

    def error_response(self, status: int, message: str = "") -> Response:
        """An HTML page with this status."""
        return _refusal(status, message or f"Error {status}")


def _refuse_by(rule: Rule) -> Response:
    return replacement_response(rule, _Plain())


def _moved(location: str) -> Response:
    return Response(302, {"Location": location, "Content-Type": "text/plain"}, b"Moved (stand-in)\n")


def _content(shown: ServedFile, call: Request, ranges: bool = True) -> Response:
    """The file or the requested range of it: 200, 206, 304 or 416."""
    size = shown.blob.size
    headers = {
        "Content-Type": shown.content_type,
        "ETag": shown.etag,
        "Last-Modified": formatdate(shown.modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    if shown.etag in call.header("If-None-Match"):
        return Response(304, headers)
    requested = _requested_range(shown, call, headers["Last-Modified"]) if ranges else None
    if requested is None:
        return Response(200, headers, BlobRange(shown.blob, 0, size))
    start, stop = requested
    if start >= stop:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(416, headers)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Response(206, headers, BlobRange(shown.blob, start, stop))


def _requested_range(shown: ServedFile, call: Request, modified: str) -> tuple[int, int] | None:
    """The requested range as start and end (exclusive); equal ones mean an unsatisfiable range, None no range."""
    match = RANGE_HEADER.match(call.header("Range").replace(" ", ""))
    condition = call.header("If-Range")
    if not match or match.groups() == ("", "") or (condition and condition not in (shown.etag, modified)):
        return None
    size = shown.blob.size
    first, last = match.groups()
    if not first:
        return max(0, size - int(last)), size
    stop = min(size, int(last) + 1) if last else size
    if int(first) >= stop:
        # RFC 9110, 14.1.1: a last byte before the first is an invalid range, which is ignored; a first byte past the
        # end is an unsatisfiable range.
        return None if last and int(last) < int(first) else (0, 0)
    return int(first), stop


def _cut_at(reply: Response, position: int, framing: str) -> Response:
    """Ends the answer where the file reaches this position, whatever range was requested."""
    if isinstance(reply.body, BlobRange):
        reply.stop_after = max(0, min(len(reply.body), position - reply.body.start))
        reply.framing = framing
    return reply


def _shortened(blob: Blob, size: int) -> Blob:
    """The first bytes of a file; a CSV ends inside a quoted field, so that its content shows that it is incomplete."""
    kept = b"".join(blob.chunks(0, min(size, 1 << 20)))
    if blob.size <= 1 << 20 and kept.startswith(b"\xef\xbb\xbf"):
        size = kept.rfind(b';"') + 3 if b';"' in kept else size
    return _Prefix(blob, size)


class _Prefix(Blob):
    """The beginning of a blob, without a copy of it."""

    def __init__(self, blob: Blob, size: int) -> None:
        super().__init__(blob.parts)
        self.size = size


def _wrong_range(shown: ServedFile, call: Request, rule: Rule) -> Response:
    """A range other than the requested one; the variant `416` refuses the range."""
    reply = _content(shown, call)
    if rule.variant == "416":
        return Response(416, {**reply.headers, "Content-Range": f"bytes */{shown.blob.size}"})
    if isinstance(reply.body, BlobRange) and reply.status == 206:
        start = max(0, reply.body.start - 100)
        reply.body = BlobRange(shown.blob, start, start + len(reply.body))
        reply.headers["Content-Range"] = f"bytes {start}-{reply.body.stop - 1}/{shown.blob.size}"
    return reply
