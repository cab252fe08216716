"""The files of the embedded broker: their names, how they are written, and the bindings of queues to exchanges."""

import contextlib
import functools
import hashlib
import os
import string
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kombu.utils.json import dumps, loads

# (routing key, pattern, queue), as Kombu keeps them; a missing key or pattern is an empty string.
Binding = tuple[str, str, str]

# A draft is renamed within milliseconds. One older than this many seconds was left by a process that was killed.
STALE_SECONDS: Final = 60
# File systems take at most 255 bytes for a name.
MAX_NAME_BYTES: Final = 240
KEPT_BYTES: Final = 90
# A table is cached only when its folder has not changed for this long (nanoseconds): two changes within one tick of
# the file system's clock, which is some milliseconds long, leave the same time of change.
SETTLED_NANOSECONDS: Final = 2_000_000_000
_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_").encode())


@functools.lru_cache(maxsize=1024)
def encode_name(name: str) -> str:
    """A file name that stands for this name alone, with neither `/` nor `.`; a long one keeps both its ends."""
    encoded = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in name.encode("utf-8", "surrogatepass"))
    if len(encoded) <= MAX_NAME_BYTES:
        return encoded
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{encoded[:KEPT_BYTES]}~{digest}~{encoded[-KEPT_BYTES:]}"


def write_whole(path: Path, content: str) -> None:
    """Writes a file that appears complete or not at all; OSError when it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{uuid.uuid4().hex}")
    try:
        draft.write_text(content, encoding="utf-8")
        os.replace(draft, path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def sweep_drafts(folder: Path) -> None:
    """Deletes the drafts that killed processes have left in a folder."""
    limit = time.time() - STALE_SECONDS
    with contextlib.suppress(OSError):
        for path in list(folder.glob(".*")):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < limit:
                    path.unlink()


class BindingFiles:
    """The bindings of one broker folder: a folder per exchange, a file per binding, named by its content's digest."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._tables: dict[str, tuple[tuple[int, int], list[Binding]]] = {}

    def _folder(self, exchange: str) -> Path:
        return self._root / encode_name(exchange)

    def _path(self, exchange: str, binding: Binding) -> Path:
        digest = hashlib.sha256(dumps(list(binding)).encode()).hexdigest()[:32]
        return self._folder(exchange) / f"{digest}.json"

    def add(self, exchange: str, binding: Binding) -> None:
        """Keeps a binding for all processes. Where it cannot be written, it is tried again when the queue is read."""
        path = self._path(exchange, binding)
        with contextlib.suppress(OSError):
            if not path.exists():
                write_whole(path, dumps(list(binding)))

    def remove(self, exchange: str, binding: Binding) -> None:
        """Removes one binding."""
        with contextlib.suppress(OSError):
            self._path(exchange, binding).unlink()

    def remove_queues(self, matches: Callable[[str], bool]) -> None:
        """Removes all bindings of the queues whose names match, from every exchange."""
        with contextlib.suppress(OSError):
            for path in list(self._root.glob("*/*.json")):
                with contextlib.suppress(OSError, ValueError):
                    if matches(_parse(path)[2]):
                        path.unlink()

    def sweep_drafts(self) -> None:
        """Deletes the drafts of bindings that killed processes have left."""
        with contextlib.suppress(OSError):
            for folder in list(self._root.iterdir()):
                sweep_drafts(folder)

    def table(self, exchange: str) -> list[Binding]:
        """The bindings of an exchange, read again only when its folder has changed."""
        folder = self._folder(exchange)
        try:
            status = folder.stat()
        except OSError:
            return []
        stamp = (status.st_ino, status.st_mtime_ns)
        cached = self._tables.get(exchange)
        if cached is not None and cached[0] == stamp:
            return cached[1]
        bindings = []
        with contextlib.suppress(OSError):
            for path in list(folder.glob("*.json")):
                with contextlib.suppress(OSError, ValueError):
                    bindings.append(_parse(path))
        if time.time_ns() - status.st_mtime_ns > SETTLED_NANOSECONDS:
            self._tables[exchange] = (stamp, bindings)
        return bindings


def _parse(path: Path) -> Binding:
    """The binding in a file; OSError when it cannot be read, ValueError when it is none."""
    values = loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, list) or len(values) != 3 or not all(isinstance(value, str) for value in values):
        raise ValueError(path.name)
    routing_key, pattern, queue = values
    return routing_key, pattern, queue
