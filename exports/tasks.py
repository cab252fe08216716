"""The Celery tasks: thin. The engine knows what to do; the database knows what is due."""

import sys
from collections.abc import Sequence

from celery import shared_task
from django.conf import settings

from exports.engine import crew, wake
from exports.engine import sweep as sweeping
from exports.engine.advance import advance as take_step
from exports.engine.claim import Claim
from exports.models import Heartbeat


@shared_task(name="exports.tasks.work", ignore_result=True)
def work() -> None:
    """There is work. Losing this message, or having it twice, changes nothing but latency."""
    crew.kick()


@shared_task(name="exports.tasks.advance", ignore_result=True)
def advance(export_id: int, fence: int) -> None:
    """Takes the one next step of an export that this process has claimed."""
    running = crew.current()
    claim = running.find(export_id, fence) if running else None
    if claim is not None:
        take_step(claim)


@shared_task(name="exports.tasks.poll", ignore_result=True)
def poll(claimed: Sequence[tuple[int, int]]) -> None:
    """Looks at the jobs of many exports, given by number and fence, that this process has claimed."""
    running = crew.current()
    if running is not None:
        found = [running.find(export_id, fence) for export_id, fence in claimed]
        running.looks.take([claim for claim in found if claim is not None])


@shared_task(name="exports.tasks.tick", ignore_result=True)
def tick() -> None:
    """Beat's safety net."""
    Heartbeat.beat("beat")
    crew.kick()


@shared_task(name="exports.tasks.sweep", ignore_result=True)
def sweep() -> None:
    """Tidies up."""
    sweeping.sweep()


def start_crew(node: str) -> None:
    """Has this worker process look for due steps: each is a task of its own, polls that are due together are one."""

    def run(claim: Claim) -> None:
        advance.apply(args=(claim.export.pk, claim.fence), throw=True)

    def together(claims: Sequence[Claim]) -> None:
        poll.apply(args=([(claim.export.pk, claim.fence) for claim in claims],), throw=True)

    # Threads that come back from the database wait for the interpreter, each time up to so long; the usual 5 ms would
    # add up where hundreds of them wait for providers.
    sys.setswitchinterval(0.005)
    crew.start(node, settings.WORKER_CONCURRENCY, run, together)


def send_hint() -> None:
    """Publishes the hint that there is work."""
    work.apply_async(retry=False, expires=60)


wake.by(send_hint)
