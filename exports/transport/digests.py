"""The checksums that a file's host names of its own accord, in various headers (RFC 9530, RFC 3230, RFC 1864)."""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exports.transport.response_reader import HeaderFields

# Bytes of a digest. The others are too short to say much, or too slow in Python (CRC-32C).
SIZES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
# Of the whole file, even beside a piece of it.
OF_THE_FILE: Final = ("Repr-Digest", "Digest", "X-Goog-Hash")
OF_THE_BODY: Final = ("Content-Digest",)
AMAZON: Final = ("sha1", "sha256")
PAIR: Final = re.compile(r"([A-Za-z0-9-]{2,12})\s*=\s*:?([A-Za-z0-9+/]{20,90}={0,2}):?")


@dataclass(frozen=True)
class Digest:
    """A checksum. `header`: what names it. `algorithm`: as `hashlib` calls it. `value`: in hexadecimal digits."""

    header: str
    algorithm: str
    value: str


def announced_digests(headers: HeaderFields, *, is_piece: bool) -> tuple[Digest, ...]:
    """Returns the checksums of the file as it comes unpacked; those of a piece only are left out."""
    return tuple(_announced(headers, is_piece=is_piece))


def _announced(headers: HeaderFields, *, is_piece: bool) -> Iterator[Digest]:
    for header in OF_THE_FILE if is_piece else OF_THE_FILE + OF_THE_BODY:
        if header == "X-Goog-Hash" and headers.get("X-Goog-Stored-Content-Encoding", "identity") != "identity":
            continue  # It is that of the packed object, though it may come unpacked.
        for name, text in PAIR.findall(headers.get(header, "")):
            yield from _digest(header, name, text)
    if not is_piece:
        yield from _digest("Content-MD5", "md5", headers.get("Content-MD5", ""))
    for name in AMAZON:
        header = f"X-Amz-Checksum-{name.upper()}"
        yield from _digest(header, name, headers.get(header, ""))  # One of several parts has their number behind it.


def _digest(header: str, name: str, text: str) -> Iterator[Digest]:
    algorithm = name.lower().replace("-", "")
    try:
        value = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return
    if SIZES.get(algorithm) == len(value):
        yield Digest(header, algorithm, value.hex())
