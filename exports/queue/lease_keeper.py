"""The lease keeper: one thread in each process that runs tasks.

It renews the leases of exports and deliveries, keeps the slots of long tasks, and writes the node's heartbeat row. It
measures how fast downloads are, and parks a slow one that is to give way to another. When the worker stops it releases
what cannot end in time. Whoever takes the download up again resumes it from the bytes on the disk.
"""

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import close_old_connections, connections

from exports import clock, states
from exports.models import Heartbeat
from exports.queue import deliveries, dispatcher
from exports.queue.leases import LEASE_SECONDS, Claim, release, renew
from exports.queue.node import shared
from exports.queue.preemption import SpeedMeter

log = logging.getLogger(__name__)

RENEW_SECONDS: Final = 1.0
BEAT_SECONDS: Final = 5.0
ALIGN_SECONDS: Final = 10.0
# The lease of a step that runs for so long past its export's deadline is not renewed; the next claim ends the export.
HANG_SECONDS: Final = 180.0
# A lease that lasts for longer than this is not renewed yet: most steps end before they need it.
FRESH_SECONDS: Final = LEASE_SECONDS - 3
# How long steps under way may go on after the worker was asked to stop.
GRACE_SECONDS: Final = 2.0
GIVES_WAY: Final = "Its host sends slowly and other files wait, so they take turns. It goes on where it stopped."


class LeaseKeeper:
    """Renews what the tasks of this process hold: claims of exports, outbox messages, and slots."""

    def __init__(self) -> None:
        self.claims: dict[tuple[int, int], Claim] = {}
        self.deliveries: dict[str, int] = {}
        self.tasks: dict[str, float] = {}
        self.downloads: dict[str, tuple[Claim, SpeedMeter]] = {}
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._aligned_at = -ALIGN_SECONDS
        self._stopping_since: float | None = None

    def start(self) -> None:
        """Starts the thread unless it runs."""
        with self._lock:
            if self._thread is None:
                self.stopped.clear()
                self._stopping_since = None
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()

    @contextmanager
    def keeping(self, task_id: str, claims: Sequence[Claim] = (), delivery: int | None = None) -> Iterator[None]:
        """Renews the task's slot, claims and outbox message (`delivery`: its id) while the block runs."""
        self.start()
        keys = [(claim.export.pk, claim.fence) for claim in claims]
        self.claims.update(zip(keys, claims, strict=True))
        self.tasks[task_id] = clock.monotonic() + LEASE_SECONDS
        if delivery is not None:
            self.deliveries[task_id] = delivery
        for claim in claims:
            if claim.export.step == states.FETCH:
                self.downloads[task_id] = claim, SpeedMeter()
        try:
            yield
        finally:
            for key in keys:
                self.claims.pop(key, None)
            self.tasks.pop(task_id, None)
            self.deliveries.pop(task_id, None)
            self.downloads.pop(task_id, None)

    def switch_delivery(self, task_id: str, delivery: int) -> None:
        """Renews another outbox message for the task from here on."""
        self.deliveries[task_id] = delivery

    def stop(self) -> None:
        """Ends the thread and deletes the node's heartbeat row."""
        self.stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(GRACE_SECONDS)
        name = shared.read().name
        try:
            if name:
                Heartbeat.objects.filter(name=f"worker:{name}").delete()
        except Exception as error:
            log.info("The heartbeat could not be removed (%s).", type(error).__name__)

    def _run(self) -> None:
        while not self.stopped.wait(RENEW_SECONDS):
            try:
                self.run_once()
            except Exception as error:
                log.warning("Leases could not be renewed (%s).", type(error).__name__)
                connections.close_all()
        connections.close_all()

    def run_once(self) -> None:
        """One round: renews leases and slots, writes the heartbeat and sets the clock; at a stop, releases claims."""
        close_old_connections()
        self._renew()
        self._watch_downloads()
        state = shared.read()
        now = clock.monotonic()
        if now > self._aligned_at + ALIGN_SECONDS:
            clock.sync_with_database()
            self._aligned_at = now
        # A pool process whose parent was killed gets no more messages, though it may be hours into a download.
        orphaned = state.pid not in (os.getpid(), os.getppid())
        if state.name and not state.stopping and not orphaned and shared.take_beat(BEAT_SECONDS):
            Heartbeat.record(f"worker:{state.name}", queues=list(state.queues), slots=state.slots, busy=state.busy)
        if state.stopping:
            self._stopping_since = self._stopping_since or now
            if now > self._stopping_since + GRACE_SECONDS - RENEW_SECONDS:
                self.give_back()

    def _renew(self) -> None:
        before, soon = clock.now() - timedelta(seconds=HANG_SECONDS), clock.monotonic() + FRESH_SECONDS
        claims = [
            claim
            for claim in list(self.claims.values())
            if not claim.lost
            and claim.export.deadline_at > before
            # Renewing shows a download that its export was canceled.
            and (claim.lease_until < soon or claim.export.step != states.POLL)
        ]
        renew(claims)
        long = [task_id for task_id, until in list(self.tasks.items()) if until < soon]
        if long:
            dispatcher.renew(long)
            self.tasks.update((task_id, clock.monotonic() + LEASE_SECONDS) for task_id in long if task_id in self.tasks)
            deliveries.renew([self.deliveries[task_id] for task_id in long if task_id in self.deliveries])

    def _watch_downloads(self) -> None:
        """Notes which downloads are slow, and parks those that are to give way: they are due again, behind the others.

        One whose claim was lost may still wait for a host that sends nothing, so its exchange is aborted.
        """
        slow: dict[str, Claim] = {}
        for task_id, (claim, meter) in list(self.downloads.items()):
            if claim.lost:
                claim.abort()
                continue
            received = claim.received if claim.exchange is not None else None
            if meter.is_slow(clock.monotonic(), received):
                slow[task_id] = claim
            if meter.slow != meter.reported:
                dispatcher.mark_slow(task_id, slow=meter.slow)
                meter.reported = meter.slow
        for task_id in dispatcher.giving_way(list(slow)) if slow else ():
            release(slow[task_id], next_step_at=clock.now(), wait_note=GIVES_WAY)
            slow[task_id].abort()

    def give_back(self) -> None:
        """Releases polls and downloads, and makes them stop; they are due again at once.

        A submit step is not released: its request may be on its way, so another worker may take it only after the
        lease has ended.
        """
        for claim in list(self.claims.values()):
            if not claim.lost and claim.export.step != states.SUBMIT:
                release(claim)
                claim.stopped.set()
                claim.abort()


lease_keeper: Final = LeaseKeeper()
