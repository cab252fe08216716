"""Whether the film that an index describes is in the file: the places that it names (ISO/IEC 14496-12, 8.7 and 8.16).

Only what contradicts the file counts. What cannot be followed is left to the players.
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from typing import IO, Final

from exports.storage.readable import Readable

MAX_INNER_BOXES: Final = 200
MAX_CHUNKS: Final = 2_000_000
CONTENT_KINDS: Final = frozenset({b"vide", b"soun"})
Span = tuple[int, int]


def read_box(file: IO[bytes], offset: int, end: int) -> tuple[int, bytes, int]:
    """Returns the length and the type of the box at `offset`, and the length of its head; 0 bytes are up to the end."""
    file.seek(offset)
    head = file.read(16)
    length, name = int.from_bytes(head[:4], "big"), head[4:8]
    if length == 1 and len(head) == 16:
        length = int.from_bytes(head[8:16], "big")
        length = 0 if length < 16 else length
        return (length or 1), name, 16
    if length == 0 and len(name) == 4:
        length = end - offset
    return length, name, 8


def named_end(file: IO[bytes], index: Span) -> int:
    """Returns where the last piece of pictures or sound ends, by the index (a `moov` box) at `index`; 0 if unknown."""
    return max((_track_end(file, track) for name, track in _boxes(file, index) if name == b"trak"), default=0)


def segments_end(file: IO[bytes], box: Span) -> int:
    """Returns where the last segment ends by a segment index (a `sidx` box) whose content is at `box`; 0 if unknown."""
    start, end = box
    file.seek(start)
    data = file.read(min(end - start, 32 + 12 * 0xFFFF))
    layout = struct.Struct(">12x4xI2xH" if data[:1] == b"\0" else ">12x8xQ2xH")
    at = layout.size
    if len(data) < at:
        return 0
    first, count = layout.unpack_from(data)
    if len(data) < at + 12 * count:
        return 0
    sizes = (fields[0] & 0x7FFFFFFF for fields in struct.iter_unpack(">3I", data[at : at + 12 * count]))
    return int(end + first + sum(sizes))


def read_seconds(source: Readable) -> float | None:
    """Returns how long a film is by its index (8.2.2 and 8.8.2), None where that does not say it. Raises OSError."""
    with source.open("rb") as file:
        whole = (0, file.seek(0, 2))
        header = _read(file, _find(file, whole, b"moov", b"mvhd"), 32)
        fields = struct.Struct(">20xIQ" if header[:1] == b"\1" else ">12x2I")
        if len(header) < fields.size:
            return None
        scale, duration = fields.unpack_from(header)
        unknown = (0, 0xFFFFFFFFFFFFFFFF if header[:1] == b"\1" else 0xFFFFFFFF)
        if duration in unknown:  # A film in pieces says it elsewhere.
            extended = _read(file, _find(file, whole, b"moov", b"mvex", b"mehd"), 12)
            duration = int.from_bytes(extended[4:12] if extended[:1] == b"\1" else extended[4:8], "big")
    return duration / scale if duration and scale else None


def _boxes(file: IO[bytes], span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yields the types of the boxes in a span, and where their contents are, as long as they fit."""
    offset, end = span
    for _ in range(MAX_INNER_BOXES):
        if offset + 8 > end:
            return
        length, name, head = read_box(file, offset, end)
        if length < head or offset + length > end:
            return
        yield name, (offset + head, offset + length)
        offset += length


def _find(file: IO[bytes], span: Span | None, *names: bytes) -> Span | None:
    """Returns where the content of the first box with path is."""
    for name in names:
        span = next((inner for found, inner in _boxes(file, span) if found == name), None) if span else None
    return span


def _read(file: IO[bytes], span: Span | None, size: int, skipped: int = 0) -> bytes:
    """Returns bytes of a box, fewer where it ends; none of a box that is not there."""
    if span is None:
        return b""
    file.seek(span[0] + skipped)
    return file.read(max(0, min(size, span[1] - span[0] - skipped)))


def _track_end(file: IO[bytes], track: Span) -> int:
    """Returns where the last chunk of a track ends, 0 where it is none of pictures or sound in this file."""
    table = _find(file, track, b"mdia", b"minf", b"stbl")
    kind = _read(file, _find(file, track, b"mdia", b"hdlr"), 4, 8)
    reference = _read(file, _find(file, track, b"mdia", b"minf", b"dinf", b"dref"), 12, 8)
    is_elsewhere = len(reference) == 12 and not reference[11] & 1
    if table is None or kind not in CONTENT_KINDS or is_elsewhere:
        return 0
    wide = _find(file, table, b"co64")
    places = wide or _find(file, table, b"stco")
    count = int.from_bytes(_read(file, places, 4, 4), "big")
    if not 0 < count <= MAX_CHUNKS:
        return 0
    starts = array("Q" if wide else "I")
    data = _read(file, places, count * starts.itemsize, 8)
    if len(data) < count * starts.itemsize:
        return 0
    starts.frombytes(data)
    if sys.byteorder == "little":
        starts.byteswap()
    last = max(starts)
    return last + (_last_chunk_size(file, table) if starts[-1] == last else 1)


def _last_chunk_size(file: IO[bytes], table: Span) -> int:
    """Returns the bytes of a track's last chunk: the sizes of as many last samples as it has. At least 1."""
    runs = _find(file, table, b"stsc")
    run_count = int.from_bytes(_read(file, runs, 4, 4), "big")
    samples = int.from_bytes(_read(file, runs, 4, 8 + 12 * (run_count - 1) + 4), "big") if run_count else 0
    sizes = _find(file, table, b"stsz")
    head = _read(file, sizes, 8, 4)
    if len(head) < 8 or not 0 < samples <= MAX_CHUNKS:
        return 1
    same, count = struct.unpack(">2I", head)
    if same:
        return int(same * min(samples, count)) or 1
    samples = min(samples, count)
    data = _read(file, sizes, 4 * samples, 12 + 4 * (count - samples))
    return sum(value for (value,) in struct.iter_unpack(">I", data[: len(data) // 4 * 4])) or 1
