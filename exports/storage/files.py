"""Files on disk: parts (downloads in progress) and kept files (verified).

Both are below DATA_DIR, on one file system, so that one rename publishes a finished part.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings

from exports import clock
from exports.models import Export, File
from exports.models.export import OPEN

ORPHAN_SECONDS: Final = 3600
PART_MAX_AGE_SECONDS: Final = 3600.0
WRITE_BYTES: Final = 1024 * 1024


def files_dir() -> Path:
    """The directory of kept files: `<team>/<export>/<random name>.<extension>`."""
    return Path(settings.DATA_DIR) / "files"


def parts_dir() -> Path:
    """The directory of parts."""
    return Path(settings.DATA_DIR) / "parts"


class PartialFile:
    """A download in progress: `<export>.<fence>.part`, and beside it `.about` with metadata of the response.

    The fencing token in the name keeps a worker that lost its lease from writing to its successor's part.
    """

    def __init__(self, export_id: int, fence: int) -> None:
        parts_dir().mkdir(parents=True, exist_ok=True)
        self.path = parts_dir() / f"{export_id}.{fence}.part"
        self.metadata_path = self.path.with_suffix(".about")

    @classmethod
    def take_over(cls, export_id: int, fence: int) -> "PartialFile":
        """Returns the part of this claim, which takes over the largest part of earlier claims if nobody writes to it.

        Removes the export's other parts.
        """
        part = cls(export_id, fence)
        older = [path for path in parts_dir().glob(f"{export_id}.*.part") if path != part.path]
        older.sort(key=lambda path: path.stat().st_size)
        if older and not part.path.exists() and _nobody_writes(older[-1]):
            largest = older.pop()
            with contextlib.suppress(FileNotFoundError):
                os.replace(largest.with_suffix(".about"), part.metadata_path)
                os.replace(largest, part.path)
        for path in older:
            path.unlink(missing_ok=True)
        # Metadata of the parts just removed, and of parts that a worker had renamed or removed when it died.
        for metadata_path in parts_dir().glob(f"{export_id}.*.about"):
            if metadata_path != part.metadata_path and not metadata_path.with_suffix(".part").exists():
                metadata_path.unlink(missing_ok=True)
        return part

    @property
    def size(self) -> int:
        """Bytes on disk; 0 when there is no part."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def readable(self) -> Path:
        """The bytes on disk."""
        return self.path

    @contextlib.contextmanager
    def open_for_writing(self, total: int | None = None, *, append: bool) -> Iterator[IO[bytes]]:
        """Opens it for one writer. Raises OSError, also where another thread or process writes to it."""
        with self.path.open("ab" if append else "wb", buffering=WRITE_BYTES) as file:
            lock_for_writing(file)
            yield file

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Whether so many bytes more fit on the disk."""
        return has_free_space(extra_bytes)

    def truncate(self, size: int) -> None:
        """Keeps the first `size` bytes."""
        os.truncate(self.path, size)

    def read_metadata(self) -> dict[str, Any]:
        """Returns the metadata of the response that the bytes came from; {} when it is missing or unreadable."""
        try:
            metadata = json.loads(self.metadata_path.read_text())
        except (OSError, ValueError):
            return {}
        return metadata if isinstance(metadata, dict) else {}

    def write_metadata(self, metadata: dict[str, Any]) -> None:
        """Replaces the metadata atomically."""
        temporary = self.metadata_path.with_suffix(".about-new")
        temporary.write_text(json.dumps(metadata))
        os.replace(temporary, self.metadata_path)

    def free_some_space(self) -> None:
        """Truncates the part by up to 4 MiB, so that on a full disk the database can still record the failure."""
        with contextlib.suppress(OSError):
            os.truncate(self.path, max(0, self.size - 4 * 1024 * 1024))

    def discard(self) -> None:
        """Removes the part and its metadata."""
        self.path.unlink(missing_ok=True)
        self.metadata_path.unlink(missing_ok=True)

    def publish(self, team_id: int, export_id: int, extension: str) -> str:
        """Moves the part to its final name, durably (fsync), and returns the path relative to `files_dir()`."""
        name = f"{team_id}/{export_id}/{secrets.token_hex(8)}.{extension}"
        target = files_dir() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            os.utime(file.fileno())  # `orphaned_files` counts its age from now
        os.replace(self.path, target)
        _sync_directory(target.parent)
        self.metadata_path.unlink(missing_ok=True)
        return name


def lock_for_writing(file: IO[bytes]) -> None:
    """Locks an open part until it is closed. Raises OSError when another thread or process has it locked."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _nobody_writes(path: Path) -> bool:
    """Whether no thread has the part open for writing. One that lost its claim may still flush its last bytes."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def has_free_space(extra_bytes: int = 0) -> bool:
    """Whether `extra_bytes` fit and leave the database a reserve of 5 % of the disk, at most 256 MiB."""
    parts_dir().mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(parts_dir())
    return usage.free - extra_bytes > min(256 * 1024 * 1024, usage.total // 20)


def path_of(file: File) -> Path:
    """Returns the absolute path of a file that is kept on the disk."""
    return files_dir() / file.path


def write_file(name: str, chunks: Iterable[bytes]) -> None:
    """Writes a kept file durably (fsync): it is there whole or not at all. `name`: relative to `files_dir()`."""
    target = files_dir() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without a row, so that the sweep removes what a process leaves that dies here.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def _sync_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def delete_file(name: str) -> None:
    """Deletes a kept file, and its directory when that is empty. `name`: relative to `files_dir()`."""
    path = files_dir() / name
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def delete_siblings(name: str) -> None:
    """Deletes the other files in the directory of a kept file. An export has one file; dead workers left the others."""
    path = files_dir() / name
    for other in path.parent.iterdir():
        if other != path:
            other.unlink(missing_ok=True)


def delete_stale_parts() -> None:
    """Deletes parts and metadata older than an hour whose export has ended or is gone."""
    paths = list(parts_dir().glob("*.part")) + list(parts_dir().glob("*.about*"))
    ids = {int(path.name.partition(".")[0]) for path in paths if path.name.partition(".")[0].isdigit()}
    open_ids = set(Export.objects.filter(pk__in=ids, status__in=OPEN).values_list("pk", flat=True))
    newest_deleted = time.time() - PART_MAX_AGE_SECONDS
    for path in paths:
        id_ = path.name.partition(".")[0]
        with contextlib.suppress(FileNotFoundError):
            if not (id_.isdigit() and int(id_) in open_ids) and path.stat().st_mtime < newest_deleted:
                path.unlink()


def orphaned_files(older_than: float = ORPHAN_SECONDS, changed_within: float | None = None) -> Iterator[Path]:
    """Yields files on disk without a row, or whose row says that they are deleted, older than `older_than` seconds.

    They stem from processes that died between the disk and the database. `changed_within` (seconds) skips the
    directories of teams and exports to which nothing was added since; without it every kept file is listed.
    """
    now = time.time()
    since = None if changed_within is None else now - changed_within
    old = [path for path, mtime in _walk(since) if mtime < now - older_than]
    yield from _without_row(old)


def undeleted_files(older_than: float, changed_within: float) -> Iterator[Path]:
    """Yields files on disk whose row was marked as deleted between `changed_within` and `older_than` seconds ago."""
    since, until = clock.seconds_from_now(-changed_within), clock.seconds_from_now(-older_than)
    rows = File.objects.filter(deleted_at__gt=since, deleted_at__lt=until, storage="")
    for name in rows.values_list("path", flat=True):
        if (files_dir() / name).is_file():
            yield files_dir() / name


def _without_row(paths: list[Path]) -> Iterator[Path]:
    """Yields the paths without a row of a file that is not deleted; one query per 500 paths."""
    for start in range(0, len(paths), 500):
        names = {str(path.relative_to(files_dir())): path for path in paths[start : start + 500]}
        rows = File.objects.filter(path__in=list(names))
        known = set(rows.filter(storage="", deleted_at=None).values_list("path", flat=True))
        known |= set(rows.filter(moved_from="", moved_at__isnull=False).values_list("path", flat=True))
        yield from (path for name, path in names.items() if name not in known)


def _walk(since: float | None) -> Iterator[tuple[Path, float]]:
    """Yields the kept files with their modification times, from directories modified after `since` (Unix time)."""
    for team in _directories(files_dir(), since):
        for export in _directories(team, since):
            with contextlib.suppress(FileNotFoundError), os.scandir(export) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):
                        if entry.is_file():
                            yield Path(entry.path), entry.stat().st_mtime


def _directories(parent: Path, since: float | None) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError), os.scandir(parent) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_dir() and (since is None or entry.stat().st_mtime > since):
                    yield Path(entry.path)


def storage_problem() -> str:
    """Returns "" when files can be stored, else a sentence that says what to do."""
    try:
        for directory in (files_dir(), parts_dir()):
            directory.mkdir(parents=True, exist_ok=True)
            probe = directory / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
            probe.write_bytes(b"x")
            probe.unlink()
    except OSError as error:
        return f"Files cannot be written below DATA_DIR ({error.strerror}). Make the folder writable."
    return ""
