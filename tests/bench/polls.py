"""10 000 exports in flight, each due every 10 s, a provider that answers after 100 ms."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from celery import Celery

from tests.bench import poll_load, seed_rows
from tests.bench.environment import ROUNDS, broker
from tests.bench.poll_load import CREDENTIALS, Load, Measurement
from tests.bench.result import RATIO, Result, at_least, at_most, median, share
from tests.bench.testbed import Testbed, open_testbed

ABOUT = (
    "10 000 exports on 100 credentials, each due every 10 s, the provider answers after 100 ms (http). The provider is"
    " PlayCanvas' code at a steady pace of 10 s, with a limit that is looked after and does not bind; two workers."
    " Peers: a Celery task per export with `self.retry(countdown=10)`, same provider code, prefork 2 on Redis; and 200"
    " threads with a `requests.Session` each over a heap in memory, without any database. The portal's lag is against"
    " its plan, a poll each 10 s from the first on. The peers plan anew after each poll, so theirs is what lies between"
    " two polls of a job beyond the interval and, where that runs from the answer, the provider's 100 ms."
)
FULL = Load(10_000, 10.0, 20.0, 60.0)
# As many as there are cores, and as many as the peer has.
PROCESSES = 2
QUICK = Load(200, 2.0, 3.0, 6.0)


def run(quick: bool) -> list[Result]:
    """Portal and peers in turns."""
    size = QUICK if quick else FULL
    found: dict[str, list[Measurement]] = {"portal": [], "Celery retry": [], "threads": []}
    takes: dict[str, Callable[[Testbed, Load], Measurement]] = {
        "portal": _portal,
        "Celery retry": _celery,
        "threads": _threads,
    }
    with open_testbed(**poll_load.environment(size)) as here:
        seed_rows.running(seed_rows.seed(here, CREDENTIALS), size.count, size.interval, 3600)
        for _ in range(1 if quick else ROUNDS):
            for name, take in takes.items():
                here.stand_in.set(reset=True, delay=size.delay)
                found[name].append(take(here, size))
                print(f"  {name}: {found[name][-1].rate:.0f} polls/s", flush=True)
    return figures(found, size)


def figures(found: dict[str, list[Measurement]], size: Load) -> list[Result]:
    """The medians, and what they are against each other."""

    def of(name: str, what: Callable[[Measurement], float]) -> float:
        return median(what(one) for one in found[name])

    ours, theirs = of("portal", lambda one: one.rate), of("Celery retry", lambda one: one.rate)
    # Polls that came well before their time: the portal scatters them, and the gaps say little.
    early = of("portal", lambda one: share(one.gaps, 0.05)) < -0.05 * size.interval
    scattered = "polls are scattered: `clock.jittered` has no effect any more" if early else ""
    best = f"{size.rate / theirs:.0f} if every wanted poll were made" if theirs else ""
    made = [
        Result("portal", ours, "polls/s"),
        at_least("portal, share of the wanted rate", 100 * ours / size.rate, 98, "%", f"of {size.rate:.0f}/s"),
        at_most("portal, lag p99", of("portal", lambda one: share(one.lags, 0.99)), 0.5, "s", scattered),
        Result("portal, lag p50", of("portal", lambda one: share(one.lags, 0.5)), "s"),
        Result("portal, CPU per poll", 1e6 * of("portal", lambda one: one.each), "µs"),
        Result("portal, database's CPU per poll", 1e6 * of("portal", lambda one: one.each_database), "µs"),
        Result("portal, memory of a worker (PSS)", of("portal", lambda one: one.memory), "MB"),
        at_least("portal / Celery retry", ours / theirs if theirs else float("inf"), 50, RATIO, best),
    ]
    for name in ("Celery retry", "threads"):
        made += [
            Result(name, of(name, lambda one: one.rate), "polls/s"),
            Result(f"{name}, lag p50", of(name, lambda one: one.late(0.5)), "s"),
            Result(f"{name}, lag p99", of(name, lambda one: one.late(0.99)), "s"),
            Result(f"{name}, CPU per poll", 1e6 * of(name, lambda one: one.each), "µs"),
            Result(f"{name}, memory (PSS)", of(name, lambda one: one.memory), "MB"),
        ]
    return made


def _portal(here: Testbed, size: Load) -> Measurement:
    workers = [poll_load.start_worker(here, size) for _ in range(PROCESSES)]
    begins = seed_rows.restart(size.count, size.interval, 1.0)
    seen = poll_load.measure_polls(here, size, begins, *(worker.pid for worker in workers))
    for worker in workers:
        here.portal.stop_process(worker)
    seed_rows.restart(size.count, size.interval, 3600)
    return seen


def _celery(here: Testbed, size: Load) -> Measurement:
    worker = here.portal.start(
        "celery",
        "-A",
        "tests.bench.celery_task_per_poll",
        "worker",
        "-P",
        "prefork",
        "-c",
        str(PROCESSES),
        "-Q",
        "peer",
    )
    begins = time.time() + 5 + size.count / 1000
    with Celery("peer", broker=broker()) as sender:
        for number in range(size.count):
            eta = datetime.fromtimestamp(begins + number * size.interval / size.count, UTC)
            sender.send_task("peer.poll", args=[seed_rows.FIRST + number], eta=eta, queue="peer")
    seen = poll_load.measure_polls(here, size, begins, worker.pid)
    here.portal.kill(worker)
    with Celery("peer", broker=broker()) as sender:
        sender.control.purge()
    return seen


def _threads(here: Testbed, size: Load) -> Measurement:
    begins = time.time() + 2
    given = (here.stand_in.origin, size.count, size.interval, begins, size.threads, seed_rows.FIRST, here.stand_in.ca)
    arguments = [sys.executable, "-m", "tests.bench.bare_threads", *map(str, given)]
    process = subprocess.Popen(arguments, start_new_session=True)
    try:
        return poll_load.measure_polls(here, size, begins, process.pid)
    finally:
        process.kill()
        process.wait(10)
