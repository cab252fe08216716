"""ZIP files of stored members, with a layout known in advance, so that any range can be produced without the rest."""

import struct
from collections.abc import Sequence

from exports.sandbox.blob import Blob, Part, RepeatedBytes, crc32_of

ZIP64_LIMIT = 0xFFFFFFFF
# 1 January 2024 in MS-DOS format.
DOS_DATE = (2024 - 1980) << 9 | 1 << 5 | 1
# Bit 11: names are UTF-8.
FLAGS = 0x800


def build_zip(members: Sequence[tuple[str, Part]]) -> Blob:
    """An uncompressed ZIP of these members in this order; ZIP64 where sizes or offsets need it."""
    parts: list[Part] = []
    directory: list[bytes] = []
    offset = 0
    for name, content in members:
        head, entry = _headers(name.encode(), content, offset)
        directory.append(entry)
        parts += [head, content]
        offset += len(head) + len(content)
    central = b"".join(directory)
    return Blob([*parts, central, _tail(len(members), len(central), offset)])


def build_zip_of(members: Sequence[tuple[str, Part]], size: int | None, filler: str, pattern: bytes) -> Blob:
    """As `build_zip`, with a member named `filler` that fills a smaller file up to `size` bytes."""
    made = build_zip(members)
    if size is None or size <= made.size:
        return made
    padding = max(0, size - build_zip([*members, (filler, b"")]).size)
    for _ in range(3):
        # The second round corrects for the longer headers of ZIP64.
        made = build_zip([*members, (filler, RepeatedBytes(pattern, padding))])
        if made.size == size:
            break
        padding = max(0, padding + size - made.size)
    return made


def _headers(name: bytes, content: Part, offset: int) -> tuple[bytes, bytes]:
    size, crc = len(content), crc32_of(content)
    wide = size >= ZIP64_LIMIT
    version = 45 if wide or offset >= ZIP64_LIMIT else 20
    shown = ZIP64_LIMIT if wide else size
    common = struct.pack("<HHHHHIII", version, FLAGS, 0, 0, DOS_DATE, crc, shown, shown)
    extra = struct.pack("<HHQQ", 1, 16, size, size) if wide else b""
    head = b"PK\x03\x04" + common + struct.pack("<HH", len(name), len(extra)) + name + extra
    longs = struct.pack("<QQ", size, size) if wide else b""
    if offset >= ZIP64_LIMIT:
        longs += struct.pack("<Q", offset)
    extra = struct.pack("<HH", 1, len(longs)) + longs if longs else b""
    entry = (
        b"PK\x01\x02"
        + struct.pack("<H", 3 << 8 | version)
        + common
        + struct.pack("<HHHHHII", len(name), len(extra), 0, 0, 0, 0o644 << 16, min(offset, ZIP64_LIMIT))
        + name
        + extra
    )
    return head, entry


def _tail(count: int, size: int, offset: int) -> bytes:
    wide = b""
    if offset >= ZIP64_LIMIT:
        wide = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 3 << 8 | 45, 45, 0, 0, count, count, size, offset)
        wide += b"PK\x06\x07" + struct.pack("<IQI", 0, offset + size, 1)
    note = b"Made by a stand-in provider, not by the real service."
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, size, min(offset, ZIP64_LIMIT), len(note))
    return wide + end + note
