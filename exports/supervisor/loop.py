"""Waits for pipes, signals and times in one place, asleep in between."""

import heapq
import itertools
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

Callback = Callable[[], None]


class EventLoop:
    """Calls back what was registered. For the main thread only, one at a time: signal handlers are global."""

    def __init__(self, signals: Iterable[signal.Signals]) -> None:
        self._selector = selectors.DefaultSelector()
        self._times: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()
        self._caught: list[int] = []
        self._old_handlers = {number: signal.signal(number, self._catch) for number in signals}
        # A byte per signal, so that one that comes just before the wait still ends the wait.
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._wake_in.fileno(), warn_on_full_buffer=False)
        self.add_reader(self._wake_out.fileno(), self._drain)

    def _catch(self, number: int, frame: Any) -> None:
        self._caught.append(number)

    def _drain(self) -> None:
        self._wake_out.recv(4096)

    def add_reader(self, descriptor: int, action: Callback) -> None:
        """Call the action whenever there is something to read."""
        self._selector.register(descriptor, selectors.EVENT_READ, action)

    def remove_reader(self, descriptor: int) -> None:
        """Stop watching, and close the descriptor."""
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def call_later(self, seconds: float, action: Callback) -> None:
        """Call the action once, that many seconds from now."""
        heapq.heappush(self._times, (time.monotonic() + seconds, next(self._order), action))

    def run_once(self) -> list[int]:
        """Sleep until something happens, call what it is for; returns the signals that came."""
        timeout = max(0.0, self._times[0][0] - time.monotonic()) if self._times else None
        for key, _ in self._selector.select(timeout):
            # An action may have ended the watching of another descriptor that is ready as well.
            if self._selector.get_map().get(key.fileobj) is key:
                key.data()
        while self._times and self._times[0][0] <= time.monotonic():
            heapq.heappop(self._times)[2]()
        caught, self._caught = self._caught, []
        return caught

    def close(self) -> None:
        """Give the signals back and close what is watched."""
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        for key in list(self._selector.get_map().values()):
            if key.fd != self._wake_out.fileno():
                self.remove_reader(key.fd)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
