"""Opening an untrusted zip archive: the size of its directory is checked before it is parsed."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MAX_MEMBERS: Final = 200_000
# MAX_MEMBERS members with long names stay below this.
MAX_DIRECTORY_BYTES: Final = 64 * 1024 * 1024
# zipfile decompresses these in bounded chunks.
BOUNDED_COMPRESSIONS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# zipfile decompresses these without a bound on the output: a few hundred bytes of bzip2 expand to a gigabyte.
UNBOUNDED_COMPRESSIONS: Final = frozenset({zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
DIRECTORY_ENTRY_SIGNATURE: Final = b"PK\x01\x02"


class DirectoryTooLargeError(zipfile.BadZipFile):
    """The archive's directory has more bytes or members than the portal reads."""


class _BoundedReadFile(io.FileIO):
    """A file that refuses to read more than `max_read_bytes` at once.

    zipfile reads the whole directory in one call. An archive can have several end records that disagree about the
    directory's size, and zipfile alone decides which one counts, so the size of the read is what can be checked.
    """

    def __init__(self, path: Path, max_read_bytes: int) -> None:
        super().__init__(path, "rb")
        self.max_read_bytes, self.size = max_read_bytes, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        remaining = max(0, self.size - self.tell())
        requested = remaining if size is None or size < 0 else min(size, remaining)
        if requested > self.max_read_bytes:
            raise DirectoryTooLargeError(f"Its directory has more than {self.max_read_bytes} bytes")
        data = super().read(requested) or b""
        if data.startswith(DIRECTORY_ENTRY_SIGNATURE) and data.count(DIRECTORY_ENTRY_SIGNATURE) > MAX_MEMBERS:
            raise DirectoryTooLargeError(f"It has more than {MAX_MEMBERS} members")
        return data


@contextmanager
def open_zip(path: Path, max_directory_bytes: int = MAX_DIRECTORY_BYTES) -> Iterator[zipfile.ZipFile]:
    """Opens an archive. Raises DirectoryTooLargeError, and what zipfile raises."""
    with _BoundedReadFile(path, max_directory_bytes) as file, zipfile.ZipFile(file) as archive:
        yield archive
