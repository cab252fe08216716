"""Threads that wait for the network while polls are made together. They keep no database connection."""

import queue
import threading
from collections.abc import Callable
from typing import Final

# Per process. A message carries up to fifty polls; a process with a thread pool runs several messages at once.
MAX_THREADS: Final = 200


class NetworkThreads:
    """Daemon threads, started when needed and then kept.

    Not concurrent.futures: a process waits for its threads at exit, and a provider may take minutes to answer.
    """

    def __init__(self, max_threads: int = MAX_THREADS) -> None:
        self.max_threads = max_threads
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0

    def run(self, work: Callable[[], None]) -> None:
        """Runs `work` in one of the threads. It must not raise."""
        with self._lock:
            if self._idle <= self._work.qsize() and self._threads < self.max_threads:
                self._threads += 1
                threading.Thread(target=self._loop, name=f"network-{self._threads}", daemon=True).start()
        self._work.put(work)

    def _loop(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            work = self._work.get()
            with self._lock:
                self._idle -= 1
            work()


threads: Final = NetworkThreads()
