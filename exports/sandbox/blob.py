"""File contents of any size in little memory: byte strings and repeated patterns, readable from any offset."""

import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

CHUNK_BYTES = 1 << 18


class RepeatedBytes:
    """`length` bytes that repeat one pattern."""

    def __init__(self, pattern: bytes, length: int) -> None:
        self.pattern, self.length = pattern, length
        # Long enough that a chunk is one slice of it, wherever the chunk starts.
        self._run = memoryview(pattern * (CHUNK_BYTES // len(pattern) + 2)) if length else memoryview(b"")

    def __len__(self) -> int:
        return self.length

    def slice(self, start: int, stop: int) -> memoryview:
        """The bytes from `start` to `stop`, at most one chunk."""
        offset = start % len(self.pattern)
        return self._run[offset : offset + stop - start]

    def crc32(self, start: int = 0) -> int:
        """The CRC-32 of all bytes after others whose CRC-32 is `start`, in steps as many as the length has bits.

        One whole pattern maps a CRC x to L(x) xor c, with L linear over bits. The map of two patterns is the map
        applied to itself, and so on by doubling.
        """
        count, rest = divmod(self.length, len(self.pattern))
        constant = zlib.crc32(self.pattern, 0)
        columns = [zlib.crc32(self.pattern, 1 << bit) ^ constant for bit in range(32)]
        value = start
        while count:
            if count & 1:
                value = _apply(columns, value) ^ constant
            constant = _apply(columns, constant) ^ constant
            columns = [_apply(columns, column) for column in columns]
            count >>= 1
        return zlib.crc32(self.pattern[:rest], value)


def _apply(columns: Sequence[int], value: int) -> int:
    result = 0
    for bit in range(32):
        if value >> bit & 1:
            result ^= columns[bit]
    return result


Part = bytes | RepeatedBytes


def crc32_of(part: Part) -> int:
    """The CRC-32 of one part."""
    return zlib.crc32(part) if isinstance(part, bytes) else part.crc32()


class Blob:
    """The concatenation of parts."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = [part for part in parts if len(part)]
        self._starts = [0, *accumulate(len(part) for part in self.parts)]
        self.size = self._starts[-1]

    def chunks(self, start: int, stop: int) -> Iterator[memoryview]:
        """The bytes from `start` to `stop`, in pieces of at most one chunk."""
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            part, base = self.parts[index], self._starts[index]
            end = min(stop, self._starts[index + 1], start + CHUNK_BYTES)
            if isinstance(part, bytes):
                yield memoryview(part)[start - base : end - base]
            else:
                yield part.slice(start - base, end - base)
            start = end
            if start == self._starts[index + 1]:
                index += 1

    def read(self) -> bytes:
        """All bytes at once; for small blobs."""
        return b"".join(self.chunks(0, self.size))


@dataclass(frozen=True, slots=True)
class BlobRange:
    """The part of a blob that one answer carries: from `start` to before `stop`."""

    blob: Blob
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def chunks(self) -> Iterator[memoryview]:
        """The bytes, in pieces."""
        return self.blob.chunks(self.start, self.stop)
