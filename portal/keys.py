"""Keys that the portal makes for itself when the environment gives none, kept in files only their owner can read."""

import contextlib
import os
import re
import secrets
from pathlib import Path


def write_once(path: Path, text: str) -> str:
    """Write `text` to a new file of mode 600, unless there is one already; return what the file holds.

    Several processes that start at once all return the same text: the file is written under another name and then
    linked to its own, so that it appears complete or not at all, and only for the first of them. OSError when the
    folder cannot be written or the file cannot be read.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    # What is sealed with a key must not outlive it, so the file's name has to be on the disk as well.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.read_text(encoding="ascii").strip()


def read_or_create_secret(path: Path) -> str:
    """The secret in the file, made on first use (64 characters). ValueError when the file is there but empty."""
    try:
        secret = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        secret = write_once(path, secrets.token_urlsafe(48))
    if not secret:
        raise ValueError(f"{path} is empty")
    return secret


def split_keys(text: str) -> tuple[str, ...]:
    """The keys of a list separated by commas or white space, in order."""
    return tuple(key for key in re.split(r"[,\s]+", text) if key)


def read_keys(path: Path) -> tuple[str, ...]:
    """The keys kept in the file, first one first; none when there is no file."""
    try:
        return split_keys(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return ()
