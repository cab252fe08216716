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

STRAY_SECONDS: Final = 3600


def root() -> Path:
    """The folder of verified files."""
    return Path(settings.DATA_DIR) / "files"


def parts() -> Path:
    """The folder of parts."""
    return Path(settings.DATA_DIR) / "parts"


class Part:
    """A file on its way: `<export>.<fence>.part` and, beside it, what the server said of it.

    The fence in the name keeps a worker that woke up late away from its successor's file.
    """

    def __init__(self, export_id: int, fence: int) -> None:
        parts().mkdir(parents=True, exist_ok=True)
        self.path = parts() / f"{export_id}.{fence}.part"
        self.about = self.path.with_suffix(".about")

    @classmethod
    def take_over(cls, export_id: int, fence: int) -> "Part":
        """The part of this claim, with the bytes that an earlier claim left."""
        part = cls(export_id, fence)
        older = [path for path in parts().glob(f"{export_id}.*.part") if path != part.path]
        older.sort(key=lambda path: path.stat().st_size)
        if older and not part.path.exists() and _nobody_writes(older[-1]):
            last = older.pop()
            with contextlib.suppress(FileNotFoundError):
                os.replace(last.with_suffix(".about"), part.about)
                os.replace(last, part.path)
        for path in older:
            path.unlink(missing_ok=True)
        # Those of parts just removed, and of parts that a worker had moved or removed when it died.
        for about in parts().glob(f"{export_id}.*.about"):
            if about != part.about and not about.with_suffix(".part").exists():
                about.unlink(missing_ok=True)
        return part

    @property
    def size(self) -> int:
        """Bytes on disk."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def said(self) -> dict[str, Any]:
        """What the server said of the bytes that are here; {} when it is not known."""
        try:
            found = json.loads(self.about.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def note(self, about: dict[str, Any]) -> None:
        """Keeps what the server said."""
        temporary = self.about.with_suffix(".about-new")
        temporary.write_text(json.dumps(about))
        os.replace(temporary, self.about)

    def shrink(self) -> None:
        """Gives some bytes back: on a full disk the database must still be able to say so."""
        with contextlib.suppress(OSError):
            os.truncate(self.path, max(0, self.size - 4 * 1024 * 1024))

    def drop(self) -> None:
        """Forgets the bytes."""
        self.path.unlink(missing_ok=True)
        self.about.unlink(missing_ok=True)

    def keep(self, team_id: int, export_id: int, extension: str) -> str:
        """Makes the part visible under its final name, on disk for good; returns the path below the root."""
        name = f"{team_id}/{export_id}/{secrets.token_hex(8)}.{extension}"
        target = root() / name
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
        self.about.unlink(missing_ok=True)
        return name


def hold(file: IO[bytes]) -> None:
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


def room(more: int = 0) -> bool:
    """Whether so many bytes more fit and leave the database its reserve: 5 % of the disk, at most 256 MB."""
    parts().mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(parts())
    return usage.free - more > min(256 * 1024 * 1024, usage.total // 20)


def path_of(file: File) -> Path:
    """Where a kept file lies."""
    return root() / file.path


def remove(name: str) -> None:
    """Takes a kept file away."""
    path = root() / name
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def only(name: str) -> None:
    """Takes away what dead workers left beside a kept file: an export has one file."""
    path = root() / name
    for other in path.parent.iterdir():
        if other != path:
            other.unlink(missing_ok=True)


def strays(older_than: float = STRAY_SECONDS) -> Iterator[Path]:
    """Kept files of no row, or of a deleted one, that are older than so many seconds: a process died in between."""
    before = time.time() - older_than
    old: dict[str, Path] = {}
    for path in root().glob("*/*/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                old[str(path.relative_to(root()))] = path
    every = list(old)
    for names in (every[at : at + 500] for at in range(0, len(every), 500)):
        known = set(File.objects.filter(path__in=names, deleted_at=None).values_list("path", flat=True))
        yield from (old[name] for name in names if name not in known)


def writable() -> str:
    """ "" when files can be stored, else a sentence."""
    try:
        for folder in (root(), parts()):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}-{secrets.token_hex(4)}"
            probe.write_bytes(b"x")
            probe.unlink()
    except OSError as error:
        return f"Files cannot be written below DATA_DIR ({error.strerror}). Make the folder writable."
    return ""
