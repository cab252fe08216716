"""Opening an archive that a stranger made: what its directory says is bounded before it is read."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_MEMBERS: Final = 200_000
# More than that many members have, with long names.
MAX_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
# These are unpacked in bounded pieces.
BOUNDED_COMPRESSIONS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# These are unpacked all at once by zipfile, whatever comes out: a few hundred bytes of bzip2 hold a gigabyte.
UNBOUNDED_COMPRESSIONS: Final = frozenset({zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
DIRECTORY_ENTRY_SIGNATURE: Final = b"PK\x01\x02"


class DirectoryTooLargeError(zipfile.BadZipFile):
    """The directory is longer than the portal reads."""


class _Bounded(io.FileIO):
    """A file of which no more than so much is read at once.

    zipfile reads the whole directory in one go, and by which of the records at an archive's end it finds it is its own
    affair: an archive can hold several that differ. What it asks for is the one thing that can't.
    """

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path, "rb")
        self.most, self.size = most, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self.size - self.tell())
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted > self.most:
            raise DirectoryTooLargeError(f"Its directory has more than {self.most} bytes")
        data = super().read(wanted) or b""
        if data.startswith(DIRECTORY_ENTRY_SIGNATURE) and data.count(DIRECTORY_ENTRY_SIGNATURE) > MAX_MEMBERS:
            raise DirectoryTooLargeError(f"It has more than {MAX_MEMBERS} members")
        return data


@contextmanager
def open_zip(path: Path, most: int = MAX_DIRECTORY_BYTES) -> Iterator[zipfile.ZipFile]:
    """The archive, if its directory has at most `most` bytes. Raises TooLongError, and what zipfile raises."""
    with _Bounded(path, most) as file, zipfile.ZipFile(file) as archive:
        yield archive
