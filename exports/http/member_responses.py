"""HTTP responses with one file of a kept archive. No browser renders it as a page.

Pictures and texts are shown, so they are sent inline: pictures with the type that their bytes have, every text, a page
or a drawing too, as plain text. Anything else is an attachment.
"""

from collections.abc import Mapping
from typing import Final

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from exports.http.file_responses import FILE_HEADERS, STREAM_HEADERS, content_disposition
from exports.preview import members
from exports.storage.readable import Readable

MEMBER_HEADERS: Final[Mapping[str, str]] = {
    name: value for name, value in FILE_HEADERS.items() if name != "Accept-Ranges"
}
ATTACHMENT_TYPE: Final = "application/octet-stream"


def show_member(source: Readable, index: int) -> HttpResponse | None:
    """Returns a picture, or the shown part of a text, to be shown; None for what is neither.

    Raises NoMemberError, PreviewError.
    """
    member = members.read_member(source, index)
    if member.kind == members.PICTURE and member.picture is not None:
        data, content_type = members.read_picture_bytes(source, index), member.picture.content_type
    elif member.kind == members.TEXT:
        data, content_type = member.text.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    else:
        return None
    return HttpResponse(data, headers={**MEMBER_HEADERS, "Content-Type": content_type, "Content-Disposition": "inline"})


def attach_member(source: Readable, index: int) -> tuple[HttpResponseBase, str]:
    """Returns a file as a download, unpacked in pieces while it is sent, and its name.

    Raises NoMemberError, PreviewError.
    """
    entry, pieces = members.stream_member(source, index)
    headers = {
        **MEMBER_HEADERS,
        **STREAM_HEADERS,
        "Content-Type": ATTACHMENT_TYPE,
        "Content-Disposition": content_disposition(entry.name.rstrip("/").rpartition("/")[2]),
        "Content-Length": str(entry.size),
    }
    return StreamingHttpResponse(pieces, headers=headers), entry.name
