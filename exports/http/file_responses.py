"""HTTP responses that serve kept files: ranges, validators, file names. Browsers never render a file as a page.

RFC 9110 (conditional requests, ranges), RFC 6266 and 8187 (names).
"""

import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe

from exports.http.client_address import client_address
from exports.models import Export, File, User
from exports.storage import downloads, files

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
    response = serve_file(request, export.file)
    if (first_byte := _first_byte(request, response)) is not None:
        downloads.record_download(export, user, via=via, first_byte=first_byte, address=client_address(request))
    return response


def serve_video(request: HttpRequest, export: Export, user: User) -> HttpResponseBase:
    """Serves the export's video inline, for the player on its page, and records it. Raises FileGoneError.

    Videos are the only files that are not sent as attachments.
    """
    assert export.file is not None  # noqa: S101  the caller has checked it
    response = serve_file(request, export.file, {"Content-Type": VIDEO_TYPE, "Content-Disposition": "inline"})
    if (first_byte := _first_byte(request, response)) is not None:
        downloads.record_download(
            export,
            user,
            via=downloads.VIA_PAGE,
            first_byte=first_byte,
            address=client_address(request),
            replay_window=downloads.REPLAY_WINDOW,
        )
    return response


def _first_byte(request: HttpRequest, response: HttpResponseBase) -> int | None:
    """Returns the offset of the first byte in the response; None when it has no bytes of the file."""
    if request.method != "GET" or response.status_code not in (200, 206):
        return None
    return int(response.headers.get("Content-Range", "bytes 0-").removeprefix("bytes ").partition("-")[0])


def serve_file(request: HttpRequest, file: File, headers: Mapping[str, str] | None = None) -> HttpResponseBase:
    """Answers GET and HEAD with 200, 206, 304, 412 or 416. Memory stays flat. Raises FileGoneError.

    The caller checks the permission. `headers` replace the default ones of the same name.
    """
    if file.deleted_at is not None:
        raise FileGoneError("The file was deleted. Its history stays; ask for a new export to have the file again.")
    try:
        handle = os.open(files.path_of(file), os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        log.error("File %s cannot be opened at %s: %s.", file.pk, file.path, error.strerror)
        raise FileGoneError(
            "The portal has lost this file. Ask for a new export, and tell the portal's staff."
        ) from None
    size = os.fstat(handle).st_size
    etag, modified = f'"{file.sha256}"', int(file.verified_at.timestamp())
    file_headers = {
        **FILE_HEADERS,
        "Content-Type": file.content_type,
        "Content-Disposition": content_disposition(file.name),
        "ETag": etag,
        "Last-Modified": http_date(modified),
        **(headers or {}),
    }
    plain = HttpResponse(headers=file_headers)
    # Preconditions come before ranges (RFC 9110, 13.2.2).
    conditional = get_conditional_response(request, etag, modified, plain)
    if conditional is not None and conditional is not plain:
        os.close(handle)
        return conditional
    if request.method == "HEAD":
        os.close(handle)
        plain["Content-Length"] = str(size)
        return plain
    byte_range = _requested_range(request, size, etag, modified)
    if byte_range is None:
        return _stream(handle, range(size), 200, file_headers)
    if byte_range.start >= byte_range.stop:
        os.close(handle)
        return HttpResponse(status=416, headers={**FILE_HEADERS, "Content-Range": f"bytes */{size}"})
    file_headers["Content-Range"] = f"bytes {byte_range.start}-{byte_range.stop - 1}/{size}"
    return _stream(handle, byte_range, 206, file_headers)


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

    def __init__(self, handle: int, start: int, length: int) -> None:
        self.handle, self.offset, self.remaining = handle, start, length

    def __next__(self) -> bytes:
        chunk = b""
        if self.remaining and self.handle >= 0:
            chunk = os.pread(self.handle, min(CHUNK_BYTES, self.remaining), self.offset)
        if not chunk:
            self.close()
            raise StopIteration
        self.offset += len(chunk)
        self.remaining -= len(chunk)
        return chunk

    def close(self) -> None:
        """Closes the file."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def _stream(handle: int, byte_range: range, status: int, headers: dict[str, str]) -> StreamingHttpResponse:
    headers = {**headers, "Content-Length": str(len(byte_range))}
    chunks = _FileChunks(handle, byte_range.start, len(byte_range))
    return StreamingHttpResponse(chunks, status=status, headers=headers)


def _requested_range(request: HttpRequest, size: int, etag: str, modified: int) -> range | None:
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
