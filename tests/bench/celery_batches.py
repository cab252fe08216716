"""Celery batches and nothing else: the lower bound of what polls in tasks of a prefork pool cost. For comparison only.

    celery -A tests.bench.celery_batches worker -P prefork -c 4 -Q peer
    python -m tests.bench.celery_batches ORIGIN COUNT INTERVAL BEGINS FIRST

A plain loop publishes, four times a second, tasks of up to 50 polls for the jobs that are due by a plan in its memory;
a task has a thread pool make them, with the portal's provider code. There are no rows, claims, leases, limits or
history, and nothing is written anywhere; a message that is lost is a poll that is never made.
"""

import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Final

import django
from celery import Celery

from tests.bench.seed_rows import SECRETS

app = Celery("peer", broker=os.environ.get("CELERY_BROKER_URL", ""))
app.conf.update(
    task_ignore_result=True,
    task_default_queue="peer",
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)
if os.environ.get("DJANGO_SETTINGS_MODULE"):
    django.setup()

POLLS_TOGETHER: Final = 50
PAUSE_SECONDS: Final = 0.25


@cache
def threads() -> ThreadPoolExecutor:
    """The threads of this process, started at its first task, which is after the fork."""
    return ThreadPoolExecutor(POLLS_TOGETHER)


@app.task(name="peer.poll_batch")
def poll_batch(origin: str, jobs: Sequence[int]) -> None:
    """Polls each job once."""
    list(threads().map(partial(poll, origin), jobs))


def poll(origin: str, number: int) -> Any:
    """Polls a job; returns its status."""
    from django.conf import settings

    from exports.providers.contract import Job
    from exports.providers.registry import PROVIDERS
    from exports.transport.client import Client
    from exports.transport.connections import shared_session
    from exports.transport.ssrf import AddressGuard

    guard = AddressGuard.allowing(settings.PRIVATE_HOSTS)
    provider = PROVIDERS["bench"]
    session = shared_session(origin, guard)
    client = Client(provider=provider, origin=origin, secrets=SECRETS, guard=guard, session=session)
    return provider.poll(client, Job(project="1000", type="archive", format="zip", remote_id=str(number)))


def feed(origin: str, count: int, interval: float, begins: float, first: int) -> None:
    """Publishes what is due, until it is killed. Job `first` + i is due at begins + i * interval / count, and again
    every interval."""
    made = 0
    with app.producer_or_acquire() as producer:
        while True:
            due = max(made, int((time.time() - begins) * count / interval))
            for start in range(made, due, POLLS_TOGETHER):
                jobs = [first + number % count for number in range(start, min(start + POLLS_TOGETHER, due))]
                poll_batch.apply_async(args=(origin, jobs), queue="peer", producer=producer)
            made = due
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    feed(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
