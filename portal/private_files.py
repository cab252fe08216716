"""What the portal writes is for its own user alone: modes 0700 and 0600, whatever the umask and the folder's mode."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

OTHERS: Final = 0o077
# What the portal makes in DATA_DIR. Folders are not walked through: nobody gets past one of mode 0700.
OWN_NAMES: Final = (
    *("broker", "files", "mail", "parts", "static"),
    *("portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm", "portal.sqlite3-journal"),
    *("secret_key", "credential_keys", "demo-password", "stand-ins.json", "up.lock"),
)

_callers_umask: int | None = None


def set_private_umask() -> None:
    """Takes from everything that this process and its children make the rights of everybody but their owner.

    A umask and not a mode at each place, since SQLite, Django's mail and Celery make files as well.
    """
    global _callers_umask
    umask = os.umask(OTHERS)
    if _callers_umask is None:
        _callers_umask = umask


@contextlib.contextmanager
def callers_umask() -> Iterator[None]:
    """Within it the umask of whoever started this process holds, for files of theirs. Only without other threads."""
    ours = os.umask(OTHERS if _callers_umask is None else _callers_umask)
    try:
        yield
    finally:
        os.umask(ours)


def make_private(path: Path) -> None:
    """Takes the rights of others from an existing file or folder of this user; others' and missing ones stay."""
    with contextlib.suppress(OSError):
        state = path.lstat()
        if state.st_uid == os.geteuid() and state.st_mode & OTHERS and not stat.S_ISLNK(state.st_mode):
            # SQLite gives its log the mode of the database, so a file that is there already must be private as well.
            path.chmod(stat.S_IMODE(state.st_mode) & ~OTHERS)


def make_contents_private(folder: Path) -> None:
    """Does so for what the portal has in the data directory. The directory itself keeps the mode it was given."""
    for name in OWN_NAMES:
        make_private(folder / name)


def open_to_others(*paths: Path) -> dict[Path, int]:
    """The paths on which the group or others have rights, with their modes. Links are the operator's own business."""
    modes = {}
    for path in paths:
        with contextlib.suppress(OSError):
            mode = path.lstat().st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                modes[path] = stat.S_IMODE(mode)
    return modes
