"""Gzipped tar archives with a layout known in advance, so that any range can be produced without the rest.

The deflate stream has stored blocks only (RFC 1951 §3.2.4), which makes a long filler a repetition of one pattern.
"""

import io
import struct
import tarfile
import zlib
from collections.abc import Sequence

from exports.sandbox.blob import Blob, Part, RepeatedBytes

BLOCK_BYTES = 0xFFFF
HEADER_BYTES = 5
TAR_BLOCK_BYTES = 512
# 1 January 2024.
MODIFIED = 1_704_067_200
# More than the headers and the padding around a filler take.
SLACK_BYTES = 4096
PATTERN = bytes(range(255)) * (BLOCK_BYTES // 255)
COMMENT = b"Made by a stand-in provider, not by the real service."


def build_tar_gz(members: Sequence[tuple[str, bytes]]) -> Blob:
    """An archive of these members in this order."""
    return _gzip(_tar_head(members), 0, b"", COMMENT)


def build_tar_gz_of(members: Sequence[tuple[str, bytes]], size: int | None, filler: str) -> Blob:
    """As `build_tar_gz`, with a member named `filler` that fills a smaller archive up to `size` bytes."""
    made = build_tar_gz(members)
    if size is None or size <= made.size + SLACK_BYTES:
        return made
    length = (size - made.size - SLACK_BYTES) * BLOCK_BYTES // (BLOCK_BYTES + HEADER_BYTES)
    head = _tar_head(members) + _entry(filler, length)
    padding = bytes(-length % TAR_BLOCK_BYTES)
    short = size - _gzip(head, length, padding, COMMENT).size
    return _gzip(head, length, padding, COMMENT + b"." * short)


def _entry(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size, MODIFIED, 0o644
    return entry.tobuf(tarfile.GNU_FORMAT)


def _tar_head(members: Sequence[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    for name, content in members:
        out.write(_entry(name, len(content)) + content + bytes(-len(content) % TAR_BLOCK_BYTES))
    return out.getvalue()


def _gzip(head: bytes, length: int, padding: bytes, comment: bytes) -> Blob:
    """The head, `length` bytes of the pattern, the padding and the end of a tar archive, as one gzip member."""
    filler = RepeatedBytes(PATTERN, length)
    tail = padding + bytes(2 * TAR_BLOCK_BYTES)
    check = zlib.crc32(tail, filler.crc32(zlib.crc32(head)))
    whole_blocks, rest = divmod(length, BLOCK_BYTES)
    parts: list[Part] = [
        # RFC 1952 §2.3: flag 16 is a comment, which ends with a zero byte.
        b"\x1f\x8b\x08\x10" + struct.pack("<I", MODIFIED) + b"\x00\xff" + comment + b"\x00",
        _stored(head),
        RepeatedBytes(_block(PATTERN), whole_blocks * (BLOCK_BYTES + HEADER_BYTES)),
        _stored(PATTERN[:rest]) + _stored(tail) + b"\x01\x00\x00\xff\xff",
        struct.pack("<II", check, (len(head) + length + len(tail)) & 0xFFFFFFFF),
    ]
    return Blob(parts)


def _stored(data: bytes) -> bytes:
    return b"".join(_block(data[start : start + BLOCK_BYTES]) for start in range(0, len(data), BLOCK_BYTES))


def _block(data: bytes) -> bytes:
    return b"\x00" + struct.pack("<HH", len(data), len(data) ^ BLOCK_BYTES) + data
