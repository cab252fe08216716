"""Multipart uploads that were left unfinished, and copies inside the store: what obstore does not offer.

Each call is a request with a signed address. All functions raise BucketError or FileNotFoundError.
"""

import http.client
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from django.conf import settings

from exports import clock
from exports.storage.bucket.access_keys import read_keys
from exports.storage.bucket.address import BucketAddress
from exports.storage.bucket.errors import AWAY, BucketError, bucket_error
from exports.storage.bucket.signing import object_url, signed_url
from exports.transport.connections import tls_context

SECONDS: Final = 30
# Copies inside the store and the end of an upload take longer.
LONG_SECONDS: Final = 300
LINK_SECONDS: Final = 900
MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
# The store's limits: no part but the last may be smaller, none may be larger.
MIN_PART_BYTES: Final = 5 * 1024 * 1024
MAX_COPY_BYTES: Final = 1024**3
NAMESPACE: Final = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Upload:
    """A multipart upload that was not completed."""

    key: str
    id: str
    begun_at: datetime | None


@dataclass(frozen=True)
class UploadedPart:
    """A part of it. `sha256`: as the store names it, "" where it keeps none."""

    number: int
    size: int
    etag: str
    sha256: str = ""


def list_uploads(address: BucketAddress, prefix: str) -> Iterator[Upload]:
    """Yields the unfinished uploads whose keys begin with the prefix."""
    marker: dict[str, str] = {}
    while True:
        answer = _call(address, "GET", "", {"uploads": "", "prefix": prefix, **marker})
        for row in _children(answer, "Upload"):
            if (key := row.get("Key", "")).startswith(prefix):
                yield Upload(key, row.get("UploadId", ""), _time(row.get("Initiated", "")))
        values = _values(answer)
        marker = {
            "key-marker": values.get("NextKeyMarker", ""),
            "upload-id-marker": values.get("NextUploadIdMarker", ""),
        }
        if values.get("IsTruncated") != "true" or not marker["key-marker"]:
            return


def list_parts(address: BucketAddress, upload: Upload) -> list[UploadedPart]:
    """Returns what of an upload has arrived, by number."""
    parts: list[UploadedPart] = []
    marker = "0"
    while True:
        answer = _call(address, "GET", upload.key, {"uploadId": upload.id, "part-number-marker": marker})
        for row in _children(answer, "Part"):
            digest = row.get("ChecksumSHA256", "")
            parts.append(UploadedPart(int(row["PartNumber"]), int(row["Size"]), row["ETag"], digest))
        values = _values(answer)
        following = values.get("NextPartNumberMarker", "")
        if values.get("IsTruncated") != "true" or following in ("", marker):
            return sorted(parts, key=lambda part: part.number)
        marker = following


def complete(address: BucketAddress, upload: Upload, parts: Sequence[UploadedPart]) -> None:
    """Makes an object of the first parts of an upload, all others are dropped."""
    rows = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{escape(part.etag)}</ETag>"
        + (f"<ChecksumSHA256>{escape(part.sha256)}</ChecksumSHA256>" if part.sha256 else "")
        + "</Part>"
        for part in parts
    )
    body = f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()
    answer = _call(address, "POST", upload.key, {"uploadId": upload.id}, body=body, seconds=LONG_SECONDS)
    # The store may answer 200 before it knows, and say in the body that it failed.
    if _name(answer) == "Error":
        raise bucket_error(ElementTree.tostring(answer, encoding="unicode"))


def abort(address: BucketAddress, upload: Upload) -> None:
    """Drops an upload and its parts. One that is gone is no error."""
    try:
        _call(address, "DELETE", upload.key, {"uploadId": upload.id})
    except FileNotFoundError:
        return


def join(address: BucketAddress, pieces: Sequence[tuple[str, int]], key: str, content_type: str) -> None:
    """Makes one object of the beginnings (key, bytes) of others, copied inside the store."""
    answer = _call(address, "POST", key, {"uploads": ""}, headers={"content-type": content_type})
    upload = Upload(key, _values(answer).get("UploadId", ""), None)
    try:
        parts: list[UploadedPart] = []
        for source, start, end in _ranges(pieces):
            headers = {
                "x-amz-copy-source": object_url(f"/{address.bucket}", source),
                "x-amz-copy-source-range": f"bytes={start}-{end - 1}",
            }
            number = len(parts) + 1
            parameters = {"partNumber": str(number), "uploadId": upload.id}
            answer = _call(address, "PUT", key, parameters, headers=headers, seconds=LONG_SECONDS)
            if _name(answer) == "Error":
                raise bucket_error(ElementTree.tostring(answer, encoding="unicode"))
            parts.append(UploadedPart(number, end - start, _values(answer).get("ETag", "")))
        complete(address, upload, parts)
    except BaseException:
        abort(address, upload)
        raise


def can_join(pieces: Sequence[tuple[str, int]]) -> bool:
    """Whether the store copies these (key, bytes): it takes no small part before the last."""
    return all(size >= MIN_PART_BYTES for _, size in pieces[:-1])


def _ranges(pieces: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
    """Yields keys and ranges of bytes, none above MAX_COPY_BYTES, and none small but the last."""
    for key, size in pieces:
        start = 0
        while start < size:
            left = size - start
            # The last two of a piece share what is left, so that neither is small.
            taken = left if left <= MAX_COPY_BYTES else min(MAX_COPY_BYTES, max(MIN_PART_BYTES, left // 2))
            yield key, start, start + taken
            start += taken


def _call(
    address: BucketAddress,
    method: str,
    key: str,
    parameters: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    seconds: int = SECONDS,
) -> ElementTree.Element:
    """Sends one request. Returns what the store answered, an empty element where that was nothing."""
    url = object_url(address.base_url, key) if key else f"{address.base_url}/"
    signed = signed_url(
        method, url, parameters, read_keys(), region=address.region, seconds=LINK_SECONDS, now=clock.now(),
        headers=headers,
    )  # fmt: skip
    parts = urlsplit(signed)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        tls = tls_context(settings.EXTRA_CA_FILE)
        connection = http.client.HTTPSConnection(host, port, timeout=seconds, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body or None, dict(headers or {}))
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException):
        raise BucketError(AWAY) from None
    finally:
        connection.close()
    if response.status >= 300:
        raise bucket_error(answer[:10_000].decode("utf-8", "replace"), status=response.status)
    try:
        return ElementTree.fromstring(answer) if answer.strip() else ElementTree.Element("Nothing")  # noqa: S314
    except ElementTree.ParseError:
        raise BucketError(AWAY) from None


def _name(element: ElementTree.Element) -> str:
    return NAMESPACE.sub("", element.tag)


def _values(element: ElementTree.Element) -> dict[str, str]:
    return {_name(child): child.text or "" for child in element}


def _children(element: ElementTree.Element, name: str) -> Iterator[dict[str, str]]:
    return (_values(child) for child in element if _name(child) == name)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
