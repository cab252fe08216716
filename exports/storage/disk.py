"""Files on the disk below DATA_DIR: the place. What it does is in `exports.storage.files`."""

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

from exports.models import Export, File
from exports.storage import files

log = logging.getLogger(__name__)

# A crash leaves a file that is young, in a folder that has just changed.
RECENT_SECONDS: Final = 2 * files.ORPHAN_SECONDS


class Disk:
    """The place for files on the disk."""

    identity = ""

    def take_over(self, export: Export, fence: int) -> files.PartialFile:
        """Returns the part of a claim. Raises OSError."""
        return files.PartialFile.take_over(export.pk, fence)

    def readable(self, name: str) -> Path:
        """Returns the path of a kept file."""
        return files.files_dir() / name

    def size(self, name: str) -> int:
        """Returns the bytes of a kept file. Raises OSError, FileNotFoundError."""
        path = files.files_dir() / name
        if not path.is_file():
            raise FileNotFoundError(2, "There is no such file")
        return path.stat().st_size

    def describe(self, name: str) -> str:
        """Returns the absolute path."""
        return str(files.files_dir() / name)

    def link(self, file: File, disposition: str) -> str | None:
        """None: the portal serves it itself."""
        return None

    def copy_in(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        """Writes a file durably, under another name first. Raises OSError."""
        files.write_file(name, chunks)

    def delete(self, name: str) -> None:
        """Deletes a kept file, and its folder when that is empty. Raises OSError."""
        files.delete_file(name)

    def tidy(self, export: Export, name: str) -> None:
        """Deletes the other files in the folder of a kept file."""
        with contextlib.suppress(OSError):
            files.delete_siblings(name)

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Whether so many bytes fit and leave the database its reserve."""
        return files.has_free_space(extra_bytes)

    def problem(self) -> str:
        """Returns "" when files can be written, else a sentence."""
        return files.storage_problem()

    def delete_stale_parts(self) -> None:
        """Deletes parts and metadata older than an hour whose export has ended or is gone."""
        files.delete_stale_parts()

    def orphans(self, *, recent: bool) -> Iterable[str]:
        """Yields names of files that no row keeps, and of deleted ones that are still there."""
        if not recent:
            return _names(files.orphaned_files())
        young = files.orphaned_files(changed_within=RECENT_SECONDS)
        undeleted = files.undeleted_files(older_than=files.ORPHAN_SECONDS, changed_within=RECENT_SECONDS)
        return _names(chain(young, undeleted))


def _names(paths: Iterable[Path]) -> Iterator[str]:
    return (os.fspath(path.relative_to(files.files_dir())) for path in paths)
