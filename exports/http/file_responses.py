"""Serving kept files: ranges, validators, names; always as a download, never as a page of ours.

RFC 9110 (conditional requests, ranges), RFC 6266 and 8187 (names).
"""

import logging
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe

from exports.models import Export, File, User
from exports.storage import downloads, files

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 256 * 1024
VIDEO_TYPE: Final = "video/mp4"
RANGE_PATTERN: Final = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.I)
FILE_HEADERS: Final = {
    "Accept-Ranges": "bytes",
    # May be kept by whoever fetched it, but is asked for again each time, so that a deleted file is gone.
    "Cache-Control": "private, no-cache",
    # Whatever the bytes are, a browser that shows them all the same runs nothing and knows no origin.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class FileGoneError(Exception):
    """The file was there and is not any more; the text is for a person."""


def serve_download(request: HttpRequest, export: Export, user: User, via: str) -> HttpResponseBase:
    """The export's file as a download, with a receipt once its bytes begin to leave. Raises GoneError."""
    assert export.file is not None  # noqa: S101  asked for by the caller
    response = serve_file(request, export.file)
    if (first := _first_byte(request, response)) is not None:
        downloads.record_download(export, user, via=via, first_byte=first, address=_address(request))
    return response


def serve_video(request: HttpRequest, export: Export, user: User) -> HttpResponseBase:
    """The export's video for the player on its page: the one file that is not an attachment. Raises GoneError."""
    assert export.file is not None  # noqa: S101  asked for by the caller
    response = serve_file(request, export.file, {"Content-Type": VIDEO_TYPE, "Content-Disposition": "inline"})
    if (first := _first_byte(request, response)) is not None:
        downloads.record_download(
            export,
            user,
            via=downloads.VIA_PAGE,
            first_byte=first,
            address=_address(request),
            replay_window=downloads.REPLAY_WINDOW,
        )
    return response


def _first_byte(request: HttpRequest, response: HttpResponseBase) -> int | None:
    """The place of the first byte that an answer brings; None where it brings none."""
    if request.method != "GET" or response.status_code not in (200, 206):
        return None
    return int(response.headers.get("Content-Range", "bytes 0-").removeprefix("bytes ").partition("-")[0])


def _address(request: HttpRequest) -> str | None:
    """Where a request came from, if the server knows it (over a Unix socket it does not)."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def serve_file(request: HttpRequest, file: File, other: Mapping[str, str] | None = None) -> HttpResponseBase:
    """The bytes (200, 206), or 304, 412, 416, for GET and HEAD. Memory stays flat. Raises GoneError.

    Who may have the file is for the caller to ask first. `other` headers take the place of the usual ones.
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
    headers = {
        **FILE_HEADERS,
        "Content-Type": file.content_type,
        "Content-Disposition": content_disposition(file.name),
        "ETag": etag,
        "Last-Modified": http_date(modified),
        **(other or {}),
    }
    plain = HttpResponse(headers=headers)
    # Preconditions come before ranges (RFC 9110, 13.2.2).
    unmet = get_conditional_response(request, etag, modified, plain)
    if unmet is not None and unmet is not plain:
        os.close(handle)
        return unmet
    if request.method == "HEAD":
        os.close(handle)
        plain["Content-Length"] = str(size)
        return plain
    part = _range(request, size, etag, modified)
    if part is None:
        return _answer(handle, range(size), 200, headers)
    if part.start >= part.stop:
        os.close(handle)
        return HttpResponse(status=416, headers={**FILE_HEADERS, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return _answer(handle, part, 206, headers)


def content_disposition(name: str) -> str:
    """Content-Disposition for a download: a plain name for all, the exact one beside it where it differs."""
    whole = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C")
    whole = re.sub(r'[/\\:*?"<>|]', "_", whole).strip(" .")[:150] or "file"
    ascii_ = unicodedata.normalize("NFKD", whole).encode("ascii", "ignore").decode().strip()
    plain = re.sub(r"[^A-Za-z0-9 ._()+-]", "_", ascii_)
    if plain != whole and not re.search("[A-Za-z0-9]", plain.rsplit(".", 1)[0]):
        plain = f"file.{plain.rsplit('.', 1)[1]}" if "." in plain else "file"
    exact = "" if plain == whole else f"; filename*=UTF-8''{quote(whole, safe='')}"
    return f'attachment; filename="{plain}"{exact}'


class _Bytes(Iterator[bytes]):
    """A stretch of an open file, a chunk at a time; closing it closes the file, also when nothing was read."""

    def __init__(self, handle: int, start: int, length: int) -> None:
        self.handle, self.at, self.left = handle, start, length

    def __next__(self) -> bytes:
        chunk = os.pread(self.handle, min(CHUNK_BYTES, self.left), self.at) if self.left and self.handle >= 0 else b""
        if not chunk:
            self.close()
            raise StopIteration
        self.at += len(chunk)
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Closes the file."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def _answer(handle: int, part: range, status: int, headers: dict[str, str]) -> StreamingHttpResponse:
    headers = {**headers, "Content-Length": str(len(part))}
    return StreamingHttpResponse(_Bytes(handle, part.start, len(part)), status=status, headers=headers)


def _range(request: HttpRequest, size: int, etag: str, modified: int) -> range | None:
    """The one range that is asked for; empty when the file does not have it; None for the whole file.

    Several ranges, other units and what cannot be read count as not asked (RFC 9110, 14.2).
    """
    match = RANGE_PATTERN.fullmatch(request.headers.get("Range", ""))
    if match is None or not any(match.groups()):
        return None
    condition = request.headers.get("If-Range", "").strip()
    # A date only counts when it is exactly ours; a weak validator never does.
    if condition and condition != etag and parse_http_date_safe(condition) != modified:
        return None
    first, last = match.groups()
    # Longer numbers than these name no byte of any file, and int() refuses very long ones.
    low, high = (int(text[:4000]) if text else None for text in (first, last))
    if low is None:
        return range(max(0, size - (high or 0)), size)
    if high is not None and high < low:
        return None
    return range(low, size if high is None else min(size, high + 1))
