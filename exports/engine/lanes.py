"""Slots of a worker: threads that take claimed steps, and those that look at many jobs and write together."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from django.db import close_old_connections, connections

from exports.engine.advance import begin_looks, end_looks, finish_look
from exports.engine.claim import Claim
from exports.engine.poll import Look, look_at

log = logging.getLogger(__name__)

# Looks that come back within so long of each other are written together.
GATHER_SECONDS: Final = 0.02
MOST_GATHER_SECONDS: Final = 0.1
WORTH_WHILE: Final = 64
MOST_TOGETHER: Final = 500
WRITERS: Final = 4


def pause(spent: float, many: int) -> float:
    """Seconds to gather before the next batch, after one of so many that took so many seconds of the processor.

    Short for one press of a button. Where there is much to do batches grow until they are worth their while: a batch
    costs the same few statements however many are in it.
    """
    return 0.0 if many >= WORTH_WHILE else min(max(GATHER_SECONDS, 3 * spent), MOST_GATHER_SECONDS)


class Lane:
    """Slots for some steps; `run` takes one. Downloads have their own, so that they never hold up polls."""

    def __init__(self, name: str, steps: tuple[str, ...], slots: int, run: Callable[[Claim], None]) -> None:
        self.name, self.steps, self.slots, self.run = name, steps, slots, run
        self.queue: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        self.claims: dict[tuple[int, int], Claim] = {}
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.freed = threading.Event()
        self.busy = 0

    def free(self) -> int:
        """Slots that nothing runs in."""
        with self.lock:
            return self.slots - self.busy

    def take(self, claims: Sequence[Claim]) -> None:
        """Has slots take these steps."""
        for claim in claims:
            with self.lock:
                self.busy += 1
                if len(self.threads) < min(self.slots, self.busy):
                    thread = threading.Thread(target=self._work, name=f"{self.name}-{len(self.threads)}", daemon=True)
                    self.threads.append(thread)
                    thread.start()
                self.claims[claim.export.pk, claim.fence] = claim  # its lease is kept from here on
            self.queue.put(claim)

    def let_go(self, claim: Claim) -> None:
        """The step is over, or its claim is somebody else's."""
        with self.lock:
            self.claims.pop((claim.export.pk, claim.fence), None)

    def _work(self) -> None:
        while (claim := self.queue.get()) is not None:
            try:
                self.step(claim)
            except Exception:
                log.exception("A step of export %s broke; its lease brings it back.", claim.export.pk)
                self.let_go(claim)
            finally:
                with self.lock:
                    self.busy -= 1
                if not self.freed.is_set():  # asking costs a tenth of setting, and hundreds ask
                    self.freed.set()
        connections.close_all()

    def stop(self) -> None:
        """Has the threads end when they are through with what they do."""
        for _ in self.threads:
            self.queue.put(None)

    def step(self, claim: Claim) -> None:
        """Takes one step in this thread."""
        try:
            close_old_connections()
            self.run(claim)
        finally:
            self.let_go(claim)


class Looks(Lane):
    """Slots for polls. Their threads do nothing but wait for the network: what all brought is written together, so
    hundreds of polls in flight need a handful of database connections, and a few statements for all of them.
    """

    def __init__(self, name: str, steps: tuple[str, ...], slots: int) -> None:
        super().__init__(name, steps, slots, lambda claim: None)
        self.brought: list[Look] = []
        self.ready = threading.Event()
        self.ended = False
        self.changed: queue.SimpleQueue[Look | None] = queue.SimpleQueue()
        threading.Thread(target=self._write_on, name=f"{name}-writer", daemon=True).start()
        for number in range(WRITERS):
            threading.Thread(target=self._finish_on, name=f"{name}-finisher-{number}", daemon=True).start()

    def free(self) -> int:
        """Slots that nothing runs in, less what was brought and still has to be finished: that must not pile up."""
        return super().free() - self.changed.qsize()

    def take(self, claims: Sequence[Claim]) -> None:
        """Has slots look at these jobs, as far as the providers' limits let them."""
        going: list[Claim] = []
        try:
            going = begin_looks(claims)
        finally:
            going_on = {id(claim) for claim in going}
            for claim in claims:
                if id(claim) not in going_on:
                    self.let_go(claim)
        super().take(going)

    def stop(self) -> None:
        super().stop()
        self.ended = True
        self.ready.set()
        for _ in range(WRITERS):
            self.changed.put(None)

    def step(self, claim: Claim) -> None:
        """Asks the provider; what it says is written with others."""
        look = look_at(claim)
        for connection in connections.all(initialized_only=True):
            connection.close()  # a token was fetched; hundreds of threads must not keep a connection each
        with self.lock:
            self.brought.append(look)
        if not self.ready.is_set():
            self.ready.set()

    def _write_on(self) -> None:
        spent, refreshed = 0.0, 0.0
        looks: list[Look] = []
        while not self.ended:
            self.ready.wait()
            time.sleep(pause(spent, len(looks)))
            self.ready.clear()
            with self.lock:
                looks, self.brought = self.brought[:MOST_TOGETHER], self.brought[MOST_TOGETHER:]
            if self.brought:
                self.ready.set()
            begun = time.thread_time()
            if time.monotonic() > refreshed + 1:
                close_old_connections()
                refreshed = time.monotonic()
            self._write(looks)
            spent = time.thread_time() - begun
        connections.close_all()

    def _write(self, looks: Sequence[Look]) -> None:
        left: list[Look] = []
        try:
            left = end_looks(looks)
        except Exception as error:
            # Looking again costs a call each, and loses nothing.
            log.warning("What %s looks brought could not be written (%s).", len(looks), type(error).__name__)
            connections.close_all()
        kept = {id(look) for look in left}
        for look in looks:
            if id(look) not in kept:
                self.let_go(look.claim)
        for look in left:
            self.changed.put(look)

    def _finish_on(self) -> None:
        while (look := self.changed.get()) is not None:
            try:
                close_old_connections()
                finish_look(look)
            except Exception:
                log.exception("A step of export %s broke; its lease brings it back.", look.claim.export.pk)
                connections.close_all()
            finally:
                self.let_go(look.claim)
        connections.close_all()
