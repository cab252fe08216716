"""Keys that the portal generates when the environment sets none, in files that only their owner can read."""

import contextlib
import os
import re
import secrets
from pathlib import Path


def write_once(path: Path, text: str) -> str:
    """Writes `text` to a new file of mode 600, unless the file exists; returns the file's content.

    Processes that start at the same time all return the same text: each writes a draft and links it to the final
    name, which succeeds for one of them and never shows half a file. OSError when the folder cannot be written or the
    file cannot be read.
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
    # Secrets encrypted with a lost key are lost, so the folder's entry must be on the disk before the key is used.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return path.read_text(encoding="ascii").strip()


def read_or_create_secret(path: Path) -> str:
    """The secret in the file, generated on first use (64 characters).

    OSError when the file cannot be read or written, ValueError when it exists and is empty.
    """
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
    """The keys in the file, in its order; empty when there is no file. OSError when it cannot be read."""
    try:
        return split_keys(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return ()
