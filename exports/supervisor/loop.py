"""An event loop for file descriptors, signals and timers, which sleeps until one of them is due."""

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
    """Calls the registered callbacks. Only in the main thread and one at a time: signal handlers are global."""

    def __init__(self, signals: Iterable[signal.Signals]) -> None:
        self._selector = selectors.DefaultSelector()
        self._times: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()
        self._caught: list[int] = []
        self._old_handlers = {number: signal.signal(number, self._catch) for number in signals}
        # A byte per signal, so that a signal just before the wait still ends the wait.
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
        """Calls the action whenever the descriptor can be read."""
        self._selector.register(descriptor, selectors.EVENT_READ, action)

    def remove_reader(self, descriptor: int) -> None:
        """Stops watching the descriptor, and closes it."""
        self._selector.unregister(descriptor)
        os.close(descriptor)

    def call_later(self, seconds: float, action: Callback) -> None:
        """Calls the action once, that many seconds from now."""
        heapq.heappush(self._times, (time.monotonic() + seconds, next(self._order), action))

    def run_once(self) -> list[int]:
        """Sleeps until something is due and calls its actions; the numbers of the signals received since."""
        timeout = max(0.0, self._times[0][0] - time.monotonic()) if self._times else None
        for key, _ in self._selector.select(timeout):
            # An action may have removed another descriptor that is ready as well.
            if self._selector.get_map().get(key.fileobj) is key:
                key.data()
        while self._times and self._times[0][0] <= time.monotonic():
            heapq.heappop(self._times)[2]()
        caught, self._caught = self._caught, []
        return caught

    def close(self) -> None:
        """Restores the signal handlers and closes the watched descriptors."""
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        for key in list(self._selector.get_map().values()):
            if key.fd != self._wake_out.fileno():
                self.remove_reader(key.fd)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
