"""The embedded broker: a Kombu transport that keeps each message as a file, for processes of one machine.

It is made for hints ("there is work"), which may be lost or come twice without harm, because the database says the
same. That is why it can be this small: no acknowledgement on disk, no redelivery, no locks. What it does promise is
that no process dies of it: a message appears complete or not at all, exactly one consumer gets it, and a folder that
vanishes is made again.

A queue is a folder below the transport option `folder`, a message a file in it. Only direct routing is supported,
which Kombu does in each process by itself.
"""

import contextlib
import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

# Hints all say the same. A queue this long says that no worker is reading it, and more of them would only fill the
# disk: a worker that comes back looks into the database anyway.
FULL = 100

# How often a hint is put into a folder that keeps vanishing, before it is given up.
TRIES = 3

# A draft is renamed within milliseconds. One this old (seconds) was left by a process that was killed.
STALE = 60


class Channel(virtual.Channel):
    """One channel; every method may be called by several processes at once."""

    def _folder(self, queue: str) -> Path:
        name = "".join(sign if sign.isalnum() or sign in "-_" else f"%{ord(sign):x}" for sign in queue)
        client: Any = self.connection.client
        return Path(client.transport_options["folder"]) / name

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
        if self._size(queue) >= FULL:
            return
        folder = self._folder(queue)
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex}"
        draft = folder / f".{name}"
        for _ in range(TRIES):
            # The folder can vanish between any two of these lines, when somebody empties it.
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                folder.mkdir(parents=True, exist_ok=True)
                draft.write_text(dumps(message), encoding="utf-8")
                os.replace(draft, folder / f"{name}.msg")
                return

    def _get(self, queue: str, timeout: float | None = None) -> Any:
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

    def _new_queue(self, queue: str, **_: Any) -> None:
        """Sweep what killed publishers have left."""
        with contextlib.suppress(FileNotFoundError):
            for path in self._folder(queue).glob(".*"):
                with contextlib.suppress(FileNotFoundError):
                    if path.stat().st_mtime < time.time() - STALE:
                        path.unlink()


class Transport(virtual.Transport):
    """`spool://`, with the transport option `folder`: where the queues are kept."""

    Channel = Channel
    # Exchanges and bindings, which every process declares for itself.
    global_state = virtual.BrokerState()
    polling_interval = 0.2
    default_port = None
    driver_type = "spool"
    driver_name = "spool"

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        self.state = self.global_state

    def driver_version(self) -> str:
        return "1"
