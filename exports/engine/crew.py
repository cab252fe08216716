"""The worker's own threads: one looks for due steps, one keeps leases, the rest take steps.

Celery starts and stops the crew with the worker, its messages kick it, and every step runs as a Celery task in one
of its slots. Broker or no broker, it also looks by itself several times a second.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from django.db import close_old_connections, connections

from exports import states
from exports.engine import clock, notices
from exports.engine.claim import LEASE_SECONDS, Claim, claim_from, longest_due, release, renew
from exports.engine.lanes import Lane, Looks, pause
from exports.models import Heartbeat
from exports.models.notice import MAIL, RELAY

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.25
RENEW_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 10.0
HANG_SECONDS: Final = 180.0
# Whose turn it is need not be asked at every look.
FAIR_SECONDS: Final = 0.25
FRESH_SECONDS: Final = LEASE_SECONDS - 3
MOST_WRITING: Final = 16


class Crew:
    """All of it. `run` takes one claimed step, `together` begins many polls by handing them to `looks.take`."""

    def __init__(
        self,
        name: str,
        slots: int,
        run: Callable[[Claim], None],
        together: Callable[[Sequence[Claim]], None] | None = None,
    ) -> None:
        self.name = name
        self.kicked = threading.Event()
        self.stopping = threading.Event()
        # Steps that write for themselves need a database connection each, so they have fewer slots than polls.
        self.asks = Lane("ask", (states.SUBMIT,), min(slots, MOST_WRITING), run)
        self.looks = Looks("look", (states.POLL,), slots)
        self.fetches = Lane("fetch", (states.FETCH,), min(max(2, slots // 4), MOST_WRITING), run)
        self.lanes: tuple[Lane, ...] = (self.asks, self.looks, self.fetches)
        for lane in self.lanes:
            lane.freed = self.kicked
        self.together = together or self.looks.take
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

    def look(self, *, fair: bool = True) -> int:
        """Claims what is due, as far as slots are free, and starts it. Returns how much."""
        started = 0
        since = longest_due()
        for lane in self.lanes:
            waits = [since[step] for step in lane.steps if step in since]
            free = lane.free()
            if not waits or free < 1:
                continue
            claims = claim_from(lane.steps, free, min(waits) if fair else None, list(lane.claims.values()))
            for claim in claims:  # known from here on, so that their leases are kept
                lane.claims[claim.export.pk, claim.fence] = claim
            if claims:
                (self.together if lane is self.looks else lane.take)(claims)
                started += len(claims)
        return started

    def _look_on(self) -> None:
        beaten = fair_at = refreshed = -BEAT_SECONDS
        while not self.stopping.is_set():
            self.kicked.wait(LOOK_SECONDS)
            self.kicked.clear()
            now, begun, started = time.monotonic(), time.thread_time(), 0
            try:
                if now > refreshed + 1:
                    close_old_connections()
                    refreshed = now
                if now > beaten + BEAT_SECONDS:
                    clock.align()
                    Heartbeat.beat(f"worker:{self.name}")
                    beaten = now
                fair = now > fair_at + FAIR_SECONDS
                started = self.look(fair=fair)
                fair_at = now if fair else fair_at
            except Exception as error:
                log.warning("The database does not answer (%s); looking again.", type(error).__name__)
                connections.close_all()
                self.stopping.wait(1)
            # Slots come free one by one; what they take is claimed together.
            self.stopping.wait(pause(time.thread_time() - begun, started))
        connections.close_all()

    def _keep_on(self) -> None:
        while not self.stopping.wait(RENEW_SECONDS):
            self._keep()
        connections.close_all()

    def _keep(self) -> None:
        # A step that hangs past its export's deadline is given up: whoever claims it next says so.
        before, soon = clock.now() - timedelta(seconds=HANG_SECONDS), clock.ticks() + FRESH_SECONDS
        running = [claim for lane in self.lanes for claim in list(lane.claims.values()) if not claim.lost]
        claims = [
            claim
            for claim in running
            if claim.export.deadline_at > before
            # Most polls are over before their lease needs it. Downloads hear of a cancellation by this.
            and (claim.held_until < soon or claim.export.step != states.POLL)
        ]
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
            lane.stop()


_crew: Crew | None = None


def start(
    name: str, slots: int, run: Callable[[Claim], None], together: Callable[[Sequence[Claim]], None] | None = None
) -> Crew:
    """Starts the crew of this process."""
    global _crew
    _crew = Crew(name, slots, run, together)
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
