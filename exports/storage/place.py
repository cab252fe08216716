"""Where files are kept: the interface of its two kinds, a disk and a bucket. Only `exports.storage` knows which it is.

Names are those of rows (`File.path`): `<team>/<export>/<name>`, the same in each place.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from exports.models import Export, File
from exports.storage.readable import Readable


class Writer(Protocol):
    """What a download is written with."""

    def write(self, chunk: bytes, /) -> object:
        """Takes bytes. Raises OSError."""

    def flush(self) -> None:
        """Sees to it that what was written survives the process, as far as the place allows. Raises OSError."""


class Part(Protocol):
    """A download in progress, of one claim."""

    @property
    def size(self) -> int:
        """Bytes that are there."""

    @property
    def readable(self) -> Readable:
        """These bytes."""

    def read_metadata(self) -> dict[str, Any]:
        """Returns the metadata of the response that the bytes came from; {} when it is missing or unreadable."""

    def write_metadata(self, metadata: dict[str, Any]) -> None:
        """Replaces the metadata. Raises OSError."""

    def open_for_writing(self, total: int | None, *, append: bool) -> AbstractContextManager[Writer]:
        """Opens it for one writer. `total`: bytes of the whole file, if known. Raises OSError."""

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Whether so many bytes more fit, as far as that is known."""

    def truncate(self, size: int) -> None:
        """Keeps the first `size` bytes. Raises OSError."""

    def free_some_space(self) -> None:
        """Makes some room where the database needs it."""

    def discard(self) -> None:
        """Removes it."""

    def publish(self, team_id: int, export_id: int, extension: str) -> str:
        """Makes a kept file of it and returns its name. `tidy` removes what is left of it. Raises OSError."""


class Place(Protocol):
    """Where files are kept. What it refuses is an OSError; a file that is not there is a FileNotFoundError."""

    @property
    def identity(self) -> str:
        """What rows say (`File.storage`): "" for the disk."""

    def take_over(self, export: Export, fence: int) -> Part:
        """Returns the part of a claim, which goes on with what earlier claims of the export left. Raises OSError."""

    def readable(self, name: str) -> Readable:
        """The bytes of a kept file, which may not be there: opening or reading raises OSError then."""

    def size(self, name: str) -> int:
        """Returns its bytes. Raises OSError, FileNotFoundError."""

    def describe(self, name: str) -> str:
        """Where it lies, for an operator: a path or an address without secrets."""

    def link(self, file: File, disposition: str) -> str | None:
        """Returns an address that anybody may read the file at for a minute; None where it is served from here."""

    def copy_in(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        """Writes a file, which is there whole or not at all. Raises OSError."""

    def delete(self, name: str) -> None:
        """Deletes a kept file, if it is there. Raises OSError."""

    def tidy(self, export: Export, name: str) -> None:
        """Deletes what dead workers left of an export beside its kept file `name`. Never raises."""

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Whether so many bytes fit, as far as that is known."""

    def problem(self) -> str:
        """Returns "" when files can be kept, else a sentence that says whose turn it is."""

    def delete_stale_parts(self) -> None:
        """Deletes parts older than an hour of exports that have ended. Raises OSError."""

    def orphans(self, *, recent: bool) -> Iterable[str]:
        """Yields names of files without a row, or whose row says they are deleted. `recent`: only of lately."""
