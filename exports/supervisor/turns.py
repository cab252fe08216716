"""A thread pool in which a task that waits for a slow client gives up its thread's place to others."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

# Threads that wait for clients, beside the pool: each is a download or a slow request, and costs some 100 KB.
MAX_WAITING: Final = 200


class Turns(Executor):
    """Runs at most `threads` tasks at once, not counting those that wait (`leave`), of which there are `MAX_WAITING`.

    A thread that has left is replaced, and ends with its task. `on_leave` is called in it whenever
    it begins to wait, and when it ends.
    """

    def __init__(self, threads: int, max_waiting: int = MAX_WAITING) -> None:
        self.max_waiting = max_waiting
        self.waiting = 0
        self.on_leave: Callable[[], None] = lambda: None
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._turns = threading.Semaphore(threads)
        self._lock = threading.Lock()
        self._current = threading.local()
        for _ in range(threads):
            self._start_thread()

    @property
    def is_full(self) -> bool:
        """Whether no further task may leave."""
        return self.waiting >= self.max_waiting

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """As every executor's."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._tasks.put(run)
        return future

    def leave(self) -> bool:
        """The task of this thread is going to wait: another one may run. False where too many wait already."""
        if not self._has_left():
            with self._lock:
                if self.is_full:
                    return False
                self.waiting += 1
            self._current.has_left = True
            self._start_thread()
        self.on_leave()
        if getattr(self._current, "has_turn", False):
            self._current.has_turn = False
            self._turns.release()
        return True

    def come_back(self) -> None:
        """The task of this thread has something to do again: waits until it may."""
        if not getattr(self._current, "has_turn", True):
            self._turns.acquire()
            self._current.has_turn = True

    def _has_left(self) -> bool:
        return bool(getattr(self._current, "has_left", False))

    def _start_thread(self) -> None:
        # A daemon, since a client may take hours, and the process must be able to end.
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while not self._has_left():
            task = self._tasks.get()
            self._turns.acquire()
            self._current.has_turn = True
            task()
            if self._current.has_turn:
                self._current.has_turn = False
                self._turns.release()
        self.on_leave()
        with self._lock:
            self.waiting -= 1
