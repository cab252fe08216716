"""HTTP responses that serve kept files: ranges, validators, file names. Browsers never render a file as a page.

RFC 9110 (conditional requests, ranges), RFC 6266 and 8187 (names).
"""

import contextlib
import io
import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import IO, Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe

from exports.http import accelerated
from exports.http.client_address import client_address
from exports.http.unavailable import check_room_for_download
from exports.models import Export, File, User
from exports.storage import downloads, places
from exports.storage.bucket.errors import BucketError

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 256 * 1024
VIDEO_TYPE: Final = "video/mp4"
RANGE_PATTERN: Final = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.I)
STREAM_HEADERS: Final = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}
FILE_HEADERS: Final = {
    "Accept-Ranges": "bytes",
    # The client may store it, but must revalidate it each time, so that a deleted file is no longer shown.
    "Cache-Control": "private, no-cache",
    # If a browser renders the bytes all the same, it runs no script and gives them an opaque origin.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class FileGoneError(Exception):
    """The file was deleted or lost; the text is for a person."""


def serve_download(request: HttpRequest, export: Export, user: User, via: str) -> HttpResponseBase:
    """Serves the export's file as a download and records it in the download log. Raises FileGoneError.

    `via`: `downloads.VIA_PAGE` or `VIA_API`. HEAD, 304 and error responses are not recorded.
    """
    assert export.file is not None  # noqa: S101  the caller has checked it
    response = serve_file(request, export.file, may_redirect=True)
    if (first_byte := _first_byte(request, response, export.file)) is not None:
        downloads.record_download(export, user, via=via, first_byte=first_byte, address=client_address(request))
    return response


def serve_video(request: HttpRequest, export: Export, user: User) -> HttpResponseBase:
    """Serves the export's video inline, for the player on its page, and records it. Raises FileGoneError.

    Videos are the only files that are not sent as attachments.
    """
    assert export.file is not None  # noqa: S101  the caller has checked it
    response = serve_file(request, export.file, {"Content-Type": VIDEO_TYPE, "Content-Disposition": "inline"})
    if (first_byte := _first_byte(request, response, export.file)) is not None:
        downloads.record_download(
            export,
            user,
            via=downloads.VIA_PAGE,
            first_byte=first_byte,
            address=client_address(request),
            replay_window=downloads.REPLAY_WINDOW,
        )
    return response


def _first_byte(request: HttpRequest, response: HttpResponseBase, file: File) -> int | None:
    """Returns the offset of the first byte in the response; None when it has no bytes of the file."""
    if request.method != "GET" or response.status_code not in (200, 206, 302):
        return None
    if accelerated.HEADER in response.headers:
        byte_range = requested_range(request, file.size, *_validators(file))
        return byte_range.start if byte_range is not None else 0
    if response.status_code == 302:
        match = RANGE_PATTERN.fullmatch(request.headers.get("Range", ""))
        return int(match[1][:18]) if match and match[1] else 0
    return int(response.headers.get("Content-Range", "bytes 0-").removeprefix("bytes ").partition("-")[0])


def serve_file(
    request: HttpRequest, file: File, headers: Mapping[str, str] | None = None, *, may_redirect: bool = False
) -> HttpResponseBase:
    """Answers GET and HEAD with 200, 206, 304, 412 or 416. Raises FileGoneError, BucketError, UnavailableError.

    Memory stays flat, or the proxy in front sends the bytes (`exports.http.accelerated`).

    The caller checks the permission. `headers` replace the default ones of the same name. `may_redirect`: a GET may be
    answered with 302 to a signed link of the file's storage that lives a minute; ranges are the storage's to answer.
    """
    if file.deleted_at is not None:
        raise FileGoneError("The file was deleted. Its history stays. Run the export again to get a new one.")
    try:
        link = places.place_of(file).link(file, content_disposition(file.name)) if may_redirect else None
        content = places.readable(file).open("rb") if link is None else None
        size = content.seek(0, 2) if content else file.size
    except BucketError:
        raise
    except OSError as error:
        log.error("File %s cannot be opened at %s: %s.", file.pk, file.path, error.strerror)
        raise FileGoneError("The file is missing from storage. Run the export again, and tell an admin.") from None
    with contextlib.ExitStack() as opened:
        if content is not None:
            opened.callback(content.close)
        response = _respond(request, file, size, dict(headers or {}), content, link)
        if isinstance(response, StreamingHttpResponse):
            opened.pop_all()  # The response closes it.
    return response


def _respond(
    request: HttpRequest, file: File, size: int, headers: dict[str, str], content: IO[bytes] | None, link: str | None
) -> HttpResponseBase:
    """The response with the file's bytes, or to where they are."""
    etag, modified = _validators(file)
    file_headers = {
        **FILE_HEADERS,
        "Content-Type": file.content_type,
        "Content-Disposition": content_disposition(file.name),
        "ETag": etag,
        "Last-Modified": http_date(modified),
        **headers,
    }
    plain = HttpResponse(headers=file_headers)
    # Preconditions come before ranges (RFC 9110, 13.2.2).
    conditional = get_conditional_response(request, etag, modified, plain)
    if conditional is not None and conditional is not plain:
        return conditional
    if request.method == "HEAD":
        plain["Content-Length"] = str(size)
        return plain
    if link is not None or content is None:
        return HttpResponseRedirect(link or "", headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    byte_range = requested_range(request, size, etag, modified)
    if byte_range is not None and byte_range.start >= byte_range.stop:
        return HttpResponse(status=416, headers={**FILE_HEADERS, "Content-Range": f"bytes */{size}"})
    if location := accelerated.location_of(request, file):
        del file_headers["Accept-Ranges"]  # the proxy says so itself
        return HttpResponse(headers={**file_headers, accelerated.HEADER: location})
    check_room_for_download(request)
    if byte_range is None:
        return stream_range(content, range(size), 200, file_headers)
    file_headers["Content-Range"] = f"bytes {byte_range.start}-{byte_range.stop - 1}/{size}"
    return stream_range(content, byte_range, 206, file_headers)


def _validators(file: File) -> tuple[str, int]:
    """Returns the file's ETag, and when it was last modified (Unix time)."""
    return f'"{file.sha256}"', int(file.verified_at.timestamp())


def content_disposition(name: str) -> str:
    """Returns the Content-Disposition of a download: an ASCII name, and the exact one (`filename*`) if it differs."""
    exact = "".join(char for char in name if unicodedata.category(char)[0] != "C")
    exact = re.sub(r'[/\\:*?"<>|]', "_", exact).strip(" .")[:150] or "file"
    ascii_ = unicodedata.normalize("NFKD", exact).encode("ascii", "ignore").decode().strip()
    plain = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", ascii_)
    if plain != exact and not re.search("[A-Za-z0-9]", plain.rsplit(".", 1)[0]):
        plain = f"file.{plain.rsplit('.', 1)[1]}" if "." in plain else "file"
    extended = "" if plain == exact else f"; filename*=UTF-8''{quote(exact, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


class _FileChunks(Iterator[bytes]):
    """Iterates over a byte range of an open file in chunks. `close` closes the file, also when nothing was read."""

    def __init__(self, content: IO[bytes], start: int, length: int) -> None:
        self.content, self.offset, self.remaining, self.handle = content, start, length, -1
        with contextlib.suppress(io.UnsupportedOperation):
            # Of a file on the disk only the descriptor is kept: a response that nobody reads or closes is no leak then.
            self.handle = os.dup(content.fileno())
            content.close()

    def __next__(self) -> bytes:
        chunk = b""
        if self.remaining and self.handle >= 0:
            chunk = os.pread(self.handle, min(CHUNK_BYTES, self.remaining), self.offset)
        elif self.remaining and not self.content.closed:
            self.content.seek(self.offset)
            chunk = self.content.read(min(CHUNK_BYTES, self.remaining))
        if not chunk:
            self.close()
            raise StopIteration
        self.offset += len(chunk)
        self.remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        """Closes the file."""
        self.content.close()
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    __del__ = close


def stream_range(content: IO[bytes], byte_range: range, status: int, headers: dict[str, str]) -> StreamingHttpResponse:
    """Returns a response that sends a byte range of an open file, and closes the file."""
    headers = {**headers, "Content-Length": str(len(byte_range))}
    chunks = _FileChunks(content, byte_range.start, len(byte_range))
    return StreamingHttpResponse(chunks, status=status, headers=headers)


def requested_range(request: HttpRequest, size: int, etag: str, modified: int) -> range | None:
    """Returns the requested byte range; an empty one when it lies outside the file; None for the whole file.

    Several ranges, other units and malformed headers are ignored (RFC 9110, 14.2).
    """
    match = RANGE_PATTERN.fullmatch(request.headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return None
    condition = request.headers.get("If-Range", "").strip()
    # A date counts only when it equals Last-Modified exactly; a weak validator never counts.
    if condition and condition != etag and parse_http_date_safe(condition) != modified:
        return None
    first, last = match.groups()
    # No file has bytes at longer offsets, and int() refuses very long texts.
    low, high = (int(text[:4000]) if text else None for text in (first, last))
    if low is None:
        return range(max(0, size - (high or 0)), size)
    if high is not None and high < low:
        return None
    return range(low, size if high is None else min(size, high + 1))
