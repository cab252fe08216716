"""Reading objects by ranges as if they were one file: little where it is read here and there, much where in a row."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Final, Literal

from exports.storage.bucket.objects import Objects

MIN_WINDOW_BYTES: Final = 128 * 1024
MAX_WINDOW_BYTES: Final = 4 * 1024 * 1024
# So many windows are kept, for readers that go to and fro between an index and what it names.
MAX_WINDOWS: Final = 3
# Who skips no more than this reads on in a row.
SKIP_BYTES: Final = 256 * 1024
BUFFER_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class Piece:
    """The first `size` bytes of an object."""

    name: str
    size: int


@dataclass
class _Window:
    start: int
    data: memoryview

    @property
    def end(self) -> int:
        return self.start + len(self.data)


class PiecesReadable:
    """The bytes of pieces in a row, a `Readable`. What was read is kept for the next that opens it; for one thread."""

    def __init__(self, objects: Objects, pieces: Sequence[Piece]) -> None:
        self._objects = objects
        self._pieces = tuple(pieces)
        self._windows: list[_Window] = []

    @property
    def size(self) -> int:
        """Bytes of all pieces."""
        return sum(piece.size for piece in self._pieces)

    def open(self, mode: Literal["rb"] = "rb", /) -> IO[bytes]:
        """Returns a file object that can seek. Opening and reading raise BucketError, FileNotFoundError."""
        return io.BufferedReader(_RawReader(self), BUFFER_BYTES)

    def read_some(self, position: int, size: int) -> memoryview:
        """Returns between one and `size` bytes from `position` on; none at the end."""
        if position >= self.size:
            return memoryview(b"")
        window = next((one for one in self._windows if one.start <= position < one.end), None)
        if window is None:
            window = _Window(position, self._fetch(position, self._window_bytes(position)))
            self._windows = [*self._windows[1 - MAX_WINDOWS :], window]
        at = position - window.start
        return window.data[at : at + size]

    def _window_bytes(self, position: int) -> int:
        """Twice as much as before for who reads on, little for who begins anew."""
        for window in self._windows:
            if 0 <= position - window.end <= SKIP_BYTES:
                self._windows.remove(window)
                return min(2 * max(len(window.data), MIN_WINDOW_BYTES), MAX_WINDOW_BYTES)
        return MIN_WINDOW_BYTES

    def _fetch(self, position: int, size: int) -> memoryview:
        begins = 0
        for piece in self._pieces:
            at = position - begins
            if at < piece.size:
                data = self._objects.read(piece.name, at, min(at + size, piece.size))
                if not data:
                    raise FileNotFoundError(2, "It ends too early in the bucket")
                return data
            begins += piece.size
        return memoryview(b"")


class ObjectReadable(PiecesReadable):
    """The bytes of one object. Whether it is there is asked for when it is opened."""

    def __init__(self, objects: Objects, name: str) -> None:
        super().__init__(objects, ())
        self._name = name

    def open(self, mode: Literal["rb"] = "rb", /) -> IO[bytes]:
        """Returns a file object that can seek. Opening and reading raise BucketError, FileNotFoundError."""
        if not self._pieces:
            self._pieces = (Piece(self._name, self._objects.size(self._name)),)
        return super().open(mode)


class _RawReader(io.RawIOBase):
    def __init__(self, source: PiecesReadable) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._source.read_some(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}
        self._position = max(0, bases[whence] + offset)
        return self._position
