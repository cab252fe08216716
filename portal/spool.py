"""The embedded broker: a Kombu transport that keeps each message as a file, for processes of one machine.

It is made for messages that may be lost or come twice without harm, because the database says what is due. That is why
it can be this small: no acknowledgement on disk, no redelivery, no locks. It guarantees that no process fails because
of another: a message appears complete or not at all, exactly one consumer gets it, and a folder that was deleted is
made again.

A queue is a folder below the transport option `folder`, a message a file in it. Bindings of queues to exchanges are
files as well (`portal.spool_files`), so that every process routes to the queues that any of them has bound: remote
control and task events depend on it.
"""

import contextlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.transport import virtual
from kombu.utils.json import dumps, loads

from portal.spool_files import Binding, BindingFiles, encode_name, sweep_drafts, write_whole

# The dispatcher publishes no more than there are free slots for. A queue this long is one that nobody reads, and more
# messages would only fill the disk: the database holds what they say.
MAX_MESSAGES: Final = 1000

# How often a message is put into a folder that is deleted at the same time, before it is dropped.
MAX_ATTEMPTS: Final = 3

# Queues of remote control and of event readers belong to one process, and a process that is killed leaves them. One
# that was not read for this many seconds is deleted with its bindings.
UNREAD_SECONDS: Final = 120
# How often (seconds) a reader says that it reads a queue, and writes the queue's bindings again if they are missing.
REFRESH_SECONDS: Final = 30
# The file whose time of change says when a private queue was last read.
LAST_READ: Final = "last-read"
# The names, as encoded, of such private queues: of remote control and its replies, of event readers, and of Kombu's
# own making where no name was given.
PRIVATE_QUEUE: Final = re.compile(r"pidbox|celeryev|^[0-9a-f]{8}-[0-9a-f]{4}-|^amq%2egen-")
BINDINGS: Final = ".bindings"


class BrokerState(virtual.BrokerState):
    """What one process has declared in one broker folder, and when it last refreshed and swept its queues."""

    exchanges: dict[str, dict[str, Any]]
    bindings: dict[Any, Any]
    queue_index: dict[str, set[Any]]

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.root = Path(folder)
        self.files = BindingFiles(self.root / BINDINGS)
        self.refreshed_at: dict[str, float] = {}
        self.swept_at: dict[str, float] = {}


class Channel(virtual.Channel):
    """One channel; every method may be called by several processes and threads at once."""

    supports_fanout = True

    @property
    def _state(self) -> BrokerState:
        transport: Any = self.connection
        state: BrokerState = transport.state
        return state

    def _folder(self, queue: str) -> Path:
        return self._state.root / encode_name(queue)

    # Bindings.

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str | None, queue: str) -> None:
        """Binds the queue for all processes."""
        self._state.files.add(exchange, (routing_key or "", pattern or "", queue))

    def queue_unbind(
        self, queue: str, exchange: str | None = None, routing_key: str = "", arguments: Any = None, **kwargs: Any
    ) -> None:
        """Removes a binding for all processes."""
        exchange = exchange or "amq.direct"
        removed = self._binding(queue, exchange, routing_key, arguments)
        self._state.binding_delete(queue, exchange, routing_key)
        self._forget(exchange, lambda binding: binding == removed)
        self._state.files.remove(exchange, removed)

    def _binding(self, queue: str, exchange: str, routing_key: str, arguments: Any) -> Binding:
        kind: Any = self.typeof(exchange)
        key, pattern, _ = kind.prepare_bind(queue, exchange, routing_key, arguments)
        return key or "", pattern or "", queue

    def get_table(self, exchange: str) -> list[Binding]:
        """All bindings of the exchange: those of this process, and those that others have written.

        Its own count even when their files are gone, so that a process that publishes to a queue it has declared
        needs no file for it.
        """
        return list({*self._own_table(exchange), *self._state.files.table(exchange)})

    def _own_table(self, exchange: str) -> list[Binding]:
        declared = self._state.exchanges.get(exchange, {"table": []})
        return [(key or "", pattern or "", queue) for key, pattern, queue in list(declared["table"])]

    def _forget(self, exchange: str, matches: Callable[[Binding], bool]) -> None:
        declared = self._state.exchanges.get(exchange)
        if declared is not None:
            declared["table"] = [binding for binding in self._own_table(exchange) if not matches(binding)]

    def _put_fanout(self, exchange: str, message: Any, routing_key: str, **kwargs: Any) -> None:
        for queue in {binding[2] for binding in self.get_table(exchange)}:
            self._put(queue, message)

    # Queues.

    def _new_queue(self, queue: str, **kwargs: Any) -> None:
        """Makes the queue's folder, and deletes what killed processes have left."""
        with contextlib.suppress(OSError):
            self._make_folder(queue)
        # Who publishes declares a queue with each message.
        if time.monotonic() > self._state.swept_at.get(queue, -REFRESH_SECONDS) + REFRESH_SECONDS:
            self._state.swept_at[queue] = time.monotonic()
            sweep_drafts(self._folder(queue))
            self._sweep_unread_queues(queue)

    def _make_folder(self, queue: str) -> None:
        """Makes the folder; a private queue counts as read now, since only its reader declares it."""
        folder = self._folder(queue)
        folder.mkdir(parents=True, exist_ok=True)
        if PRIVATE_QUEUE.search(folder.name):
            (folder / LAST_READ).touch()

    def _has_queue(self, queue: str, **kwargs: Any) -> bool:
        """Always: a queue is made by whoever puts the first message into it."""
        return True

    def _delete(self, queue: str, *args: Any, **kwargs: Any) -> None:
        """Deletes the queue and its bindings; the bindings first, since what is routed to the queue makes it again."""
        for exchange in list(self._state.exchanges):
            self._forget(exchange, lambda binding: binding[2] == queue)
        self._state.files.remove_queues(lambda bound: bound == queue)
        self._state.refreshed_at.pop(queue, None)
        self._state.swept_at.pop(queue, None)
        shutil.rmtree(self._folder(queue), ignore_errors=True)

    def _refresh(self, queue: str) -> None:
        """Says that the queue is read, and restores its folder and bindings if somebody deleted them."""
        self._state.refreshed_at[queue] = time.monotonic()
        with contextlib.suppress(OSError):
            self._make_folder(queue)
        for key in list(self._state.queue_index.get(queue, ())):
            arguments = self._state.bindings.get(key)
            self._state.files.add(key.exchange, self._binding(queue, key.exchange, key.routing_key, arguments))
        self._sweep_unread_queues(queue)

    def _sweep_unread_queues(self, but: str) -> None:
        """Deletes private queues that nobody reads any more, except the named one, with their bindings."""
        limit = time.time() - UNREAD_SECONDS
        with contextlib.suppress(OSError):
            for folder in list(self._state.root.iterdir()):
                if not PRIVATE_QUEUE.search(folder.name) or folder == self._folder(but):
                    continue
                with contextlib.suppress(OSError):
                    stamp = folder / LAST_READ
                    if (stamp if stamp.exists() else folder).stat().st_mtime < limit:
                        name = folder.name
                        self._state.files.remove_queues(lambda bound, name=name: encode_name(bound) == name)  # type: ignore[misc]
                        shutil.rmtree(folder, ignore_errors=True)
        self._state.files.sweep_drafts()

    # Messages.

    def _names(self, queue: str) -> list[str] | None:
        """The file names of the queue's messages, in no order. None: its folder is missing or cannot be read."""
        try:
            return [name for name in os.listdir(self._folder(queue)) if name.endswith(".msg")]
        except OSError:
            return None

    def _size(self, queue: str) -> int:
        return len(self._names(queue) or ())

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Puts a message into the queue, drops it when the queue is full; OSError when the disk takes no more."""
        if self._size(queue) >= MAX_MESSAGES:
            return
        content = dumps(message)
        path = self._folder(queue) / f"{time.time_ns():020d}-{uuid.uuid4().hex}.msg"
        for _ in range(MAX_ATTEMPTS):
            # The folder can be deleted by another process at any moment.
            with contextlib.suppress(FileNotFoundError, FileExistsError):
                write_whole(path, content)
                return

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        """The oldest message; Empty when there is none."""
        names = self._names(queue)
        if names is None or time.monotonic() > self._state.refreshed_at.get(queue, -REFRESH_SECONDS) + REFRESH_SECONDS:
            self._refresh(queue)
        folder = self._folder(queue)
        for name in sorted(names or ()):
            try:
                content = (folder / name).read_bytes()
                # Several consumers may have read it; the one that removes it has it.
                (folder / name).unlink()
            except OSError:
                continue
            # A file that holds no message is dropped.
            with contextlib.suppress(ValueError):
                message = loads(content)
                if isinstance(message, dict):
                    return message
        raise Empty

    def _purge(self, queue: str) -> int:
        """Removes all messages; returns how many."""
        count = 0
        for name in self._names(queue) or ():
            with contextlib.suppress(FileNotFoundError):
                (self._folder(queue) / name).unlink()
                count += 1
        return count


class Transport(virtual.Transport):
    """`spool://`, with the transport option `folder`: where the queues are kept."""

    Channel = Channel
    # By folder: the connections of a process share what it has declared.
    states: dict[str, BrokerState] = {}  # noqa: RUF012 - shared on purpose
    polling_interval = 0.2
    default_port = None
    driver_type = "spool"
    driver_name = "spool"
    implements = virtual.Transport.implements.extend(exchange_type=frozenset(["direct", "topic", "fanout"]))

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        folder = client.transport_options["folder"]
        self.state = self.states.setdefault(folder, BrokerState(folder))

    def driver_version(self) -> str:
        """Has no version of its own."""
        return "1"
