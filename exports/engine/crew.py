"""The worker's own threads: one looks for due steps, one keeps leases, the rest take steps.

Celery starts and stops the crew with the worker, its messages kick it, and every step runs as a Celery task in one
of its slots. Broker or no broker, it also looks by itself several times a second.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.db import close_old_connections, connections

from exports import states
from exports.engine import clock, notices
from exports.engine.claim import Claim, claim_due, release, renew
from exports.models import Heartbeat
from exports.models.notice import MAIL, RELAY

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
RENEW_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 10.0
HANG_SECONDS: Final = 180.0


class Lane:
    """Slots for some steps. Downloads have their own, so that they never hold up polls."""

    def __init__(self, name: str, steps: tuple[str, ...], slots: int, run: Callable[[Claim], None]) -> None:
        self.name, self.steps, self.slots, self.run = name, steps, slots, run
        self.queue: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()
        self.claims: dict[tuple[int, int], Claim] = {}
        self.lock = threading.Lock()
        self.threads: list[threading.Thread] = []
        self.freed = threading.Event()

    def free(self) -> int:
        """Slots that nothing runs in."""
        with self.lock:
            return self.slots - len(self.claims)

    def put(self, claim: Claim) -> None:
        """Has a slot take this step."""
        with self.lock:
            if len(self.threads) < min(self.slots, len(self.claims) + 1):
                thread = threading.Thread(target=self._work, name=f"{self.name}-{len(self.threads)}", daemon=True)
                thread.start()
                self.threads.append(thread)
            self.claims[claim.export.pk, claim.fence] = claim
        self.queue.put(claim)

    def _work(self) -> None:
        while (claim := self.queue.get()) is not None:
            try:
                close_old_connections()
                self.run(claim)
            except Exception:
                log.exception("A step of export %s broke; its lease brings it back.", claim.export.pk)
            finally:
                with self.lock:
                    self.claims.pop((claim.export.pk, claim.fence), None)
                self.freed.set()
        connections.close_all()


class Crew:
    """All of it. `run` takes one claimed step."""

    def __init__(self, name: str, slots: int, run: Callable[[Claim], None]) -> None:
        self.name = name
        self.kicked = threading.Event()
        self.stopping = threading.Event()
        self.lanes = (
            Lane("call", (states.SUBMIT, states.POLL), slots, run),
            Lane("fetch", (states.FETCH,), max(2, slots // 4), run),
        )
        for lane in self.lanes:
            lane.freed = self.kicked
        self.threads = [
            threading.Thread(target=self._look_on, name="looker", daemon=True),
            threading.Thread(target=self._keep_on, name="keeper", daemon=True),
            # One of each, so that an address that never answers does not hold up the mails.
            *(threading.Thread(target=self._send_on, args=(kind,), name=kind, daemon=True) for kind in (MAIL, RELAY)),
        ]

    def start(self) -> None:
        """Starts looking."""
        for thread in self.threads:
            thread.start()

    def find(self, export_id: int, fence: int) -> Claim | None:
        """The claim of a step under way here."""
        for lane in self.lanes:
            if (claim := lane.claims.get((export_id, fence))) is not None:
                return claim
        return None

    def look(self) -> int:
        """Claims what is due, as far as slots are free, and starts it. Returns how much."""
        started = 0
        for lane in self.lanes:
            free = lane.free()
            for claim in claim_due(lane.steps, free) if free else ():
                lane.put(claim)
                started += 1
        return started

    def _look_on(self) -> None:
        beaten = 0.0
        while not self.stopping.is_set():
            self.kicked.wait(LOOK_SECONDS)
            self.kicked.clear()
            try:
                close_old_connections()
                self.look()
                if time.monotonic() > beaten + BEAT_SECONDS:
                    Heartbeat.beat(f"worker:{self.name}")
                    beaten = time.monotonic()
            except Exception as error:
                log.warning("The database does not answer (%s); looking again.", type(error).__name__)
                connections.close_all()
                self.stopping.wait(1)

    def _keep_on(self) -> None:
        while not self.stopping.wait(RENEW_SECONDS):
            self._keep()

    def _keep(self) -> None:
        # A step that hangs past its export's deadline is given up: whoever claims it next says so.
        before = clock.now() - timedelta(seconds=HANG_SECONDS)
        running = [claim for lane in self.lanes for claim in list(lane.claims.values()) if not claim.lost]
        claims = [claim for claim in running if claim.export.deadline_at > before]
        try:
            close_old_connections()
            renew(claims)
        except Exception as error:
            log.warning("Leases could not be renewed (%s).", type(error).__name__)
            connections.close_all()

    def _send_on(self, kind: str) -> None:
        while not self.stopping.wait(1.0):
            try:
                close_old_connections()
                notices.send_due(kind)
            except Exception:
                log.exception("Notices could not be sent; they stay due.")
                connections.close_all()

    def stop(self, grace: float = 5.0) -> None:
        """Claims nothing more, lets steps under way end for a while, and gives back what can be given back."""
        self.stopping.set()
        self.kicked.set()
        ends = time.monotonic() + grace
        while time.monotonic() < ends and any(lane.claims for lane in self.lanes):
            time.sleep(0.05)
            self._keep()
        for lane in self.lanes:
            for claim in list(lane.claims.values()):
                # A request that makes something may be on its way: only the end of the lease may hand that over.
                if claim.export.step != states.SUBMIT:
                    release(claim)


_crew: Crew | None = None


def start(name: str, slots: int, run: Callable[[Claim], None]) -> Crew:
    """Starts the crew of this process."""
    global _crew
    _crew = Crew(name, slots, run)
    _crew.start()
    return _crew


def stop() -> None:
    """Stops the crew of this process."""
    global _crew
    if _crew is not None:
        _crew.stop()
        _crew = None


def current() -> Crew | None:
    """The crew of this process, if it has one."""
    return _crew


def kick() -> None:
    """There is work: look now. Without a crew in this process, nothing."""
    if _crew is not None:
        _crew.kicked.set()
