"""The embedded broker: a Kombu transport that keeps each message as a file, for processes of one machine.

It is made for messages that may be lost or come twice without harm, because the database says what is due. That is why
it can be this small: no acknowledgement on disk, no redelivery, no locks. What it does promise is that no process dies
of it: a message appears complete or not at all, exactly one consumer gets it, and a folder that vanishes is made again.

A queue is a folder below the transport option `folder`, a message a file in it. Bindings of queues to exchanges are
files as well, so that what one process binds the others route to: remote control and task events need that.
"""

import contextlib
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

# The dispatcher publishes no more than there are free slots for. A queue this long says that nobody is reading it, and
# more would only fill the disk: what it says stands in the database as well.
MAX_MESSAGES = 1000

# How often a message is put into a folder that keeps vanishing, before it is given up.
MAX_ATTEMPTS = 3

# A draft is renamed within milliseconds. One this old (seconds) was left by a process that was killed.
STALE_SECONDS = 60

# Queues of remote control and of event readers carry the name of their process, and a process that is killed leaves
# them. One that nobody has read for so long (seconds) goes, with its bindings.
UNREAD = 120
BINDINGS = ".bindings"


# The file whose time says when a queue was last read.
READ = ".read"
# Queues with these in their names belong to one process (as Celery names them).
OWN_QUEUE = re.compile(r"pidbox|celeryev|^[0-9a-f]{8}-[0-9a-f]{4}-")
_touched: dict[str, float] = {}


def _file_name(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "-_" else f"%{ord(sign):x}" for sign in name)


class Channel(virtual.Channel):
    """One channel; every method may be called by several processes at once."""

    supports_fanout = True

    def _root(self) -> Path:
        client: Any = self.connection.client
        return Path(client.transport_options["folder"])

    def _folder(self, queue: str) -> Path:
        return self._root() / _file_name(queue)

    def _bindings(self, exchange: str) -> Path:
        return self._root() / BINDINGS / _file_name(exchange)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        """Binds for all processes."""
        folder = self._bindings(exchange)
        content = dumps([routing_key or "", pattern or "", queue or ""])
        path = folder / hashlib.sha256(content.encode()).hexdigest()[:32]
        with contextlib.suppress(OSError):
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                draft = folder / f".{uuid.uuid4().hex}"
                draft.write_text(content, encoding="utf-8")
                os.replace(draft, path)

    def get_table(self, exchange: str) -> list[tuple[str, str, str]]:
        """All bindings of the exchange as (routing key, pattern, queue), whichever process made them."""
        found: list[tuple[str, str, str]] = []
        folder = self._bindings(exchange)
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        for name in names:
            if not name.startswith("."):
                with contextlib.suppress(OSError, ValueError):
                    routing_key, pattern, queue = loads((folder / name).read_text(encoding="utf-8"))
                    found.append((routing_key, pattern, queue))
        return found

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **kwargs: Any) -> None:
        for queue in {binding[2] for binding in self.get_table(exchange)}:
            self._put(queue, message)

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        """Removes the queue and its bindings."""
        shutil.rmtree(self._folder(queue), ignore_errors=True)
        self._unbind(lambda bound: bound == queue)

    def _unbind(self, which: Callable[[str], bool]) -> None:
        for path in (self._root() / BINDINGS).glob("*/*"):
            with contextlib.suppress(OSError, ValueError):
                if which(loads(path.read_text(encoding="utf-8"))[2]):
                    path.unlink()

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        return True

    def _messages(self, queue: str) -> list[Path]:
        """The queue's files, oldest first."""
        folder = self._folder(queue)
        try:
            names = os.listdir(folder)
        except OSError:
            # Not there, or not readable: either way there is nothing to be had, and no reason to die.
            return []
        return [folder / name for name in sorted(names) if name.endswith(".msg")]

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        if self._size(queue) >= MAX_MESSAGES:
            return
        folder = self._folder(queue)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        draft = folder / f".{name}"
        for _ in range(MAX_ATTEMPTS):
            # The folder can vanish between any two of these lines, when somebody empties it.
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                folder.mkdir(parents=True, exist_ok=True)
                draft.write_text(dumps(message), encoding="utf-8")
                os.replace(draft, folder / f"{name}.msg")
                return

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        self._say_read(queue)
        for path in self._messages(queue):
            try:
                content = path.read_bytes()
                # Of all who read it, the one who removes it has it.
                path.unlink()
            except OSError:
                continue
            # A file that is no message is dropped: it would only stand in the way.
            with contextlib.suppress(ValueError):
                message = loads(content)
                if isinstance(message, dict):
                    return message
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._messages(queue))

    def _purge(self, queue: str) -> int:
        count = 0
        for path in self._messages(queue):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                count += 1
        return count

    def _say_read(self, queue: str) -> None:
        """Touches the queue's folder now and then, which says that somebody reads it."""
        now = time.monotonic()
        if now > _touched.get(queue, 0.0) + UNREAD / 4:
            _touched[queue] = now
            with contextlib.suppress(OSError):
                folder = self._folder(queue)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / READ).touch()

    def _new_queue(self, queue: str, **_: Any) -> None:
        """Sweeps what killed processes have left: drafts, and queues that only their process read."""
        with contextlib.suppress(OSError):
            self._folder(queue).mkdir(parents=True, exist_ok=True)
            for path in self._folder(queue).glob(".*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.name != READ and path.stat().st_mtime < time.time() - STALE_SECONDS:
                        path.unlink()
        self._sweep_unread(queue)

    def _sweep_unread(self, but: str) -> None:
        with contextlib.suppress(OSError):
            for folder in list(self._root().iterdir()):
                if not OWN_QUEUE.search(folder.name) or folder.name == _file_name(but):
                    continue
                with contextlib.suppress(OSError):
                    stamp = folder / READ
                    latest = (stamp if stamp.exists() else folder).stat().st_mtime
                    if latest < time.time() - UNREAD:
                        shutil.rmtree(folder, ignore_errors=True)
                        self._unbind(lambda bound, name=folder.name: _file_name(bound) == name)  # type: ignore[misc]


class Transport(virtual.Transport):
    """`spool://`, with the transport option `folder`: where the queues are kept."""

    Channel = Channel
    # Exchanges and bindings, which every process declares for itself.
    global_state = virtual.BrokerState()
    polling_interval = 0.2
    default_port = None
    driver_type = "spool"
    driver_name = "spool"
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct", "topic", "fanout"]))

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        return "1"
