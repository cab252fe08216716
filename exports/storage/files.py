"""Where files lie: parts while they are fetched, and the verified ones.

Both are below DATA_DIR, on one file system, so that a finished part becomes visible by one rename.
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings

from exports.models import File

ORPHAN_SECONDS: Final = 3600


def files_dir() -> Path:
    """The folder of verified files."""
    return Path(settings.DATA_DIR) / "files"


def parts_dir() -> Path:
    """The folder of parts."""
    return Path(settings.DATA_DIR) / "parts"


class PartialFile:
    """A file on its way: `<export>.<fence>.part` and, beside it, what the server said of it.

    The fence in the name keeps a worker that woke up late away from its successor's file.
    """

    def __init__(self, export_id: int, fence: int) -> None:
        parts_dir().mkdir(parents=True, exist_ok=True)
        self.path = parts_dir() / f"{export_id}.{fence}.part"
        self.metadata_path = self.path.with_suffix(".about")

    @classmethod
    def take_over(cls, export_id: int, fence: int) -> "PartialFile":
        """The part of this claim, with the bytes that an earlier claim left."""
        part = cls(export_id, fence)
        older = [path for path in parts_dir().glob(f"{export_id}.*.part") if path != part.path]
        older.sort(key=lambda path: path.stat().st_size)
        if older and not part.path.exists() and _nobody_writes(older[-1]):
            last = older.pop()
            with contextlib.suppress(FileNotFoundError):
                os.replace(last.with_suffix(".about"), part.metadata_path)
                os.replace(last, part.path)
        for path in older:
            path.unlink(missing_ok=True)
        # Those of parts just removed, and of parts that a worker had moved or removed when it died.
        for about in parts_dir().glob(f"{export_id}.*.about"):
            if about != part.metadata_path and not about.with_suffix(".part").exists():
                about.unlink(missing_ok=True)
        return part

    @property
    def size(self) -> int:
        """Bytes on disk."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def read_metadata(self) -> dict[str, Any]:
        """What the server said of the bytes that are here; {} when it is not known."""
        try:
            found = json.loads(self.metadata_path.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write_metadata(self, about: dict[str, Any]) -> None:
        """Keeps what the server said."""
        temporary = self.metadata_path.with_suffix(".about-new")
        temporary.write_text(json.dumps(about))
        os.replace(temporary, self.metadata_path)

    def free_some_space(self) -> None:
        """Gives some bytes back: on a full disk the database must still be able to say so."""
        with contextlib.suppress(OSError):
            os.truncate(self.path, max(0, self.size - 4 * 1024 * 1024))

    def discard(self) -> None:
        """Forgets the bytes."""
        self.path.unlink(missing_ok=True)
        self.metadata_path.unlink(missing_ok=True)

    def publish(self, team_id: int, export_id: int, extension: str) -> str:
        """Makes the part visible under its final name, on disk for good; returns the path below the root."""
        name = f"{team_id}/{export_id}/{secrets.token_hex(8)}.{extension}"
        target = files_dir() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
            os.utime(file.fileno())  # its age counts from here, for the sweeper
        os.replace(self.path, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.metadata_path.unlink(missing_ok=True)
        return name


def lock_for_writing(file: IO[bytes]) -> None:
    """Marks an open part as being written, for as long as it is open. Raises OSError when another writes it."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _nobody_writes(path: Path) -> bool:
    """Whether no thread still has the part open for writing: one that lost its claim may yet flush its last bytes."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def has_free_space(more: int = 0) -> bool:
    """Whether so many bytes more fit and leave the database its reserve: 5 % of the disk, at most 256 MB."""
    parts_dir().mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(parts_dir())
    return usage.free - more > min(256 * 1024 * 1024, usage.total // 20)


def path_of(file: File) -> Path:
    """Where a kept file lies."""
    return files_dir() / file.path


def delete_file(name: str) -> None:
    """Takes a kept file away."""
    path = files_dir() / name
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def delete_siblings(name: str) -> None:
    """Takes away what dead workers left beside a kept file: an export has one file."""
    path = files_dir() / name
    for other in path.parent.iterdir():
        if other != path:
            other.unlink(missing_ok=True)


def orphaned_files(older_than: float = ORPHAN_SECONDS) -> Iterator[Path]:
    """Kept files of no row, or of a deleted one, that are older than so many seconds: a process died in between."""
    before = time.time() - older_than
    old: dict[str, Path] = {}
    for path in files_dir().glob("*/*/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                old[str(path.relative_to(files_dir()))] = path
    every = list(old)
    for names in (every[at : at + 500] for at in range(0, len(every), 500)):
        known = set(File.objects.filter(path__in=names, deleted_at=None).values_list("path", flat=True))
        yield from (old[name] for name in names if name not in known)


def storage_problem() -> str:
    """ "" when files can be stored, else a sentence."""
    try:
        for folder in (files_dir(), parts_dir()):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
            probe.write_bytes(b"x")
            probe.unlink()
    except OSError as error:
        return f"Files cannot be written below DATA_DIR ({error.strerror}). Make the folder writable."
    return ""
