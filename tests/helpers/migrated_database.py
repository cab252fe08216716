"""The SQLite database of the tests: one process migrates it, others and later runs copy the file.

Migrating costs seconds of processor time, the copy a hundredth of one. It is done anew when a migration or a library
has changed, and Django still looks for migrations that are missing.
"""

import contextlib
import fcntl
import functools
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.db import connection

ROOT: Final = Path(__file__).resolve().parents[2]
NAME: Final = "migrated-{}.sqlite3"


@functools.cache
def _version() -> str:
    """A hash of what a migrated database depends on."""
    sources = [*sorted((ROOT / "exports" / "migrations").glob("*.py")), ROOT / "requirements.lock"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def copy_migrated(folder: Path, target: Path) -> None:
    """Puts a copy of the migrated database that is kept in this folder at `target`, if there is one."""
    path = folder / NAME.format(_version())
    if path.exists():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, target)


@contextlib.contextmanager
def shared_database(folder: Path) -> Iterator[bool]:
    """Whether a copy is now where this process has its test database.

    If not, the caller migrates it inside of the context, while other processes wait, and it is kept in the folder.
    """
    name = connection.settings_dict["TEST"]["NAME"]
    if connection.vendor != "sqlite" or not name:
        yield False
        return
    path = folder / NAME.format(_version())
    with (folder / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            shutil.copyfile(path, name)
            fcntl.flock(lock, fcntl.LOCK_UN)
            yield True
            return
        yield False
        connection.ensure_connection()
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            connection.connection.backup(copy)
        for older in folder.glob(NAME.format("*")):
            older.unlink()
        unfinished.rename(path)
