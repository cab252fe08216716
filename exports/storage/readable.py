"""What checks, previews and comparisons read: bytes with a beginning and an end, on a disk or in a bucket."""

from typing import IO, Literal, Protocol


class Readable(Protocol):
    """Bytes that can be opened, each time anew. A `pathlib.Path` is one."""

    def open(self, mode: Literal["rb"], /) -> IO[bytes]:
        """Returns a file object that can seek; the caller closes it. Raises OSError."""


def size_of(source: Readable) -> int:
    """Returns the number of bytes. Raises OSError."""
    with source.open("rb") as file:
        return file.seek(0, 2)
