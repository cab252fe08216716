"""The first and the last bytes of a video: its index and first frame, from which a browser makes its poster.

A page that shows a video only asks for these, so that opening it is no download. `serve_video` plays all of it.
"""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from exports.http.file_responses import FILE_HEADERS, VIDEO_TYPE, FileGoneError, requested_range, stream_range
from exports.models import File
from exports.storage import places
from exports.storage.bucket.errors import BucketError

EXCERPT_BYTES: Final = 1024 * 1024


def serve_video_excerpt(request: HttpRequest, file: File) -> HttpResponseBase:
    """Answers a range within the first or last EXCERPT_BYTES with 206, else 416. Raises FileGoneError, BucketError."""
    try:
        content = places.readable(file).open("rb")
    except BucketError:
        raise
    except OSError:
        raise FileGoneError("The file is gone.") from None
    size = content.seek(0, 2)
    part = excerpt(requested_range(request, size, f'"{file.sha256}"', int(file.verified_at.timestamp())), size)
    headers = {**FILE_HEADERS, "Content-Type": VIDEO_TYPE, "Content-Disposition": "inline"}
    if not part or request.method != "GET":
        content.close()
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return stream_range(content, part, 206, headers)


def excerpt(wanted: range | None, size: int) -> range:
    """Returns what of a wanted range is served, an empty one for nothing. None: no range was asked for."""
    if wanted is None or not wanted:
        return range(0)
    if wanted.start < EXCERPT_BYTES:
        return range(wanted.start, min(wanted.stop, EXCERPT_BYTES))
    return wanted if wanted.start >= size - EXCERPT_BYTES else range(0)
