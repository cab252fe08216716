"""10 000 exports in flight, each due every 10 s, a provider that answers after 100 ms."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from celery import Celery

from tests.bench import landed, poll_load, seed_rows
from tests.bench.environment import ROUNDS, broker, empty_broker
from tests.bench.poll_load import CREDENTIALS, Load, Measurement
from tests.bench.result import RATIO, Result, at_least, at_most, median, share
from tests.bench.testbed import Testbed, open_testbed
from tests.bench.versions import CURRENT, Version
from tests.helpers.roles import ARCHIVES

ABOUT = (
    "10 000 exports on 100 credentials, each due every 10 s, the provider answers after 100 ms (http). The provider is"
    f" that of {ARCHIVES.label} at a steady interval of 10 s, with a limit that is checked and does not bind; one node"
    " with Celery's prefork pool, and beat, on Redis and PostgreSQL. An older version runs with its own code, worker"
    " (two processes, as its own bench has) and beat, in a database of its own. Peers: a Celery task per export with"
    " `self.retry(countdown=10)` and the same provider code, on `-P prefork -c 2` and on `-P threads -c 200`; Celery"
    " tasks of up to 50 polls, fed by a plain loop, without any row read or written, on a prefork pool of the portal's"
    " size, which is the lower bound; and 200 threads with a `requests.Session` each over a heap in memory, without"
    " Celery and database. CPU is that of worker and beat (of the loop, where there is one), all their processes"
    " included. The lag of portal and batches is against their plan, a poll each 10 s from the first on. The other"
    " peers plan anew after each poll, so theirs is the time between two polls of a job beyond the interval and, where"
    " that runs from the answer, the provider's 100 ms."
)
FULL: Final = Load(10_000, 10.0, 20.0, 60.0)
QUICK: Final = Load(200, 2.0, 3.0, 6.0)
PORTAL: Final = CURRENT.name
RETRY: Final = "Celery, a task per poll, prefork 2"
RETRY_THREADS: Final = "Celery, a task per poll, threads 200"
BATCHES: Final = "Celery, batches without bookkeeping"
THREADS: Final = "threads without Celery and database"
PEERS: Final = (RETRY, RETRY_THREADS, BATCHES, THREADS)
# As many as the older version's bench has.
LANDED_NODES: Final = 2
Take = Callable[[], Measurement]


def run(quick: bool) -> list[Result]:
    """Portal, older version and peers in turns."""
    load = QUICK if quick else FULL
    older = landed.chosen()
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(seeded(CURRENT, load))
        takes: dict[str, tuple[Testbed, Take]] = {
            PORTAL: (here, partial(measure_version, here, load)),
            RETRY: (here, partial(_retry, here, load, "-P", "prefork", "-c", "2")),
            RETRY_THREADS: (here, partial(_retry, here, load, "-P", "threads", "-c", "200")),
            BATCHES: (here, partial(_batches, here, load)),
            THREADS: (here, partial(_threads, here, load)),
        }
        if older:
            there = stack.enter_context(seeded(older, load))
            takes = {older.name: (there, partial(measure_version, there, load)), **takes}
        measured: dict[str, list[Measurement]] = {name: [] for name in takes}
        for _ in range(1 if quick else ROUNDS):
            for name, (testbed, take) in takes.items():
                empty_broker()
                testbed.stand_in.set(reset=True, delay=load.delay)
                measured[name].append(take())
                last = measured[name][-1]
                print(f"  {name}: {last.rate:.0f} polls/s, {1e6 * last.each:.0f} µs", flush=True)
    return figures(measured, load, older)


@contextlib.contextmanager
def seeded(version: Version, load: Load) -> Iterator[Testbed]:
    """A testbed of the version with exports in flight that are not due for an hour."""
    with open_testbed(version, **poll_load.environment(load)) as here:
        arguments = (here.stand_in.origin, str(CREDENTIALS), str(load.count), str(load.interval))
        here.portal.run_module("tests.bench.seed_version", "running", *arguments)
        yield here


def figures(measured: dict[str, list[Measurement]], load: Load, older: Version | None) -> list[Result]:
    """The medians, and the ratios between them."""

    def of(name: str, what: Callable[[Measurement], float]) -> float:
        return median(what(measurement) for measurement in measured[name])

    def shown(name: str) -> list[Result]:
        results = [
            Result(f"{name}, CPU per poll", 1e6 * of(name, lambda m: m.each), "µs"),
            Result(f"{name}, memory of all processes (PSS)", of(name, lambda m: m.memory), "MB"),
        ]
        # Some peers open a connection for each task, too short for the meter, and some open none.
        if name not in PEERS:
            database = 1e6 * of(name, lambda m: m.each_database)
            results.insert(1, Result(f"{name}, database's CPU per poll", database, "µs"))
        return results

    ours, theirs = of(PORTAL, lambda m: m.rate), of(RETRY, lambda m: m.rate)
    # Polls that came well before their time: then the plan is not what the lag must be compared with.
    early = of(PORTAL, lambda m: share(m.lags, 0.05)) < -0.05 * load.interval
    scattered = "polls are scattered: `clock.with_jitter` was not replaced" if early else ""
    best = f"{load.rate / theirs:.0f} if every wanted poll were made" if theirs else ""
    results = [
        Result(PORTAL, ours, "polls/s", note=f"{load.slots} slots"),
        at_least(f"{PORTAL}, share of the wanted rate", 100 * ours / load.rate, 98, "%", f"of {load.rate:.0f}/s"),
        at_most(f"{PORTAL}, lag p99", of(PORTAL, lambda m: m.late_by_plan(0.99)), 1.0, "s", scattered),
        Result(f"{PORTAL}, lag p50", of(PORTAL, lambda m: m.late_by_plan(0.5)), "s"),
        *shown(PORTAL),
        at_least(f"{PORTAL} / {RETRY}", ours / theirs if theirs else float("nan"), 50, RATIO, best),
    ]
    if older:
        rate, cost = of(older.name, lambda m: m.rate), of(older.name, lambda m: m.each)
        results += [
            Result(older.name, rate, "polls/s", note=f"{LANDED_NODES} workers of {load.threads} threads"),
            Result(f"{older.name}, lag p99", of(older.name, lambda m: m.late_by_plan(0.99)), "s"),
            Result(f"{older.name}, lag p50", of(older.name, lambda m: m.late_by_plan(0.5)), "s"),
            *shown(older.name),
            at_least(f"polls, {PORTAL} / {older.name}", 100 * ours / rate, 98, "%"),
            at_most(f"CPU per poll, {PORTAL} / {older.name}", of(PORTAL, lambda m: m.each) / cost, 1.25, RATIO),
        ]
    for name in PEERS:
        results += [
            Result(name, of(name, lambda m: m.rate), "polls/s"),
            Result(f"{name}, lag p50", of(name, partial(_lag, name, 0.5)), "s"),
            Result(f"{name}, lag p99", of(name, partial(_lag, name, 0.99)), "s"),
            *shown(name),
            Result(
                f"CPU per poll, {PORTAL} / {name}", of(PORTAL, lambda m: m.each) / of(name, lambda m: m.each), RATIO
            ),
        ]
    return results


def _lag(name: str, part: float, measured: Measurement) -> float:
    """Seconds from due to polled of a peer."""
    return measured.late_by_plan(part) if name == BATCHES else measured.late_by_gaps(part)


def measure_version(here: Testbed, load: Load) -> Measurement:
    """A version's own processes under the load."""
    nodes = 1 if here.portal.version.celery_runs_steps else LANDED_NODES
    processes = poll_load.start_processes(here, load.slots, threads=load.threads, nodes=nodes)
    begins = seed_rows.restart(here, load.count, load.interval, 1.0)
    measured = poll_load.measure_polls(here, load, begins, processes.sessions)
    processes.stop()
    seed_rows.restart(here, load.count, load.interval, 3600)
    return measured


def _retry(here: Testbed, load: Load, *pool: str) -> Measurement:
    worker = here.portal.start("celery", "-A", "tests.bench.celery_task_per_poll", "worker", "-Q", "peer", *pool)
    begins = time.time() + 5 + load.count / 1000
    with Celery("peer", broker=broker()) as sender:
        for number in range(load.count):
            eta = datetime.fromtimestamp(begins + number * load.interval / load.count, UTC)
            sender.send_task("peer.poll", args=[seed_rows.FIRST_ID + number], eta=eta, queue="peer")
    measured = poll_load.measure_polls(here, load, begins, [worker.pid])
    here.portal.kill(worker)
    return measured


def _batches(here: Testbed, load: Load) -> Measurement:
    application = "tests.bench.celery_batches"
    worker = here.portal.start(
        "celery", "-A", application, "worker", "-Q", "peer", "-P", "prefork", "-c", str(load.slots)
    )
    begins = time.time() + 6
    plan = (here.stand_in.origin, load.count, load.interval, begins, seed_rows.FIRST_ID)
    loop = here.portal.start(application, *map(str, plan))
    measured = poll_load.measure_polls(here, load, begins, [worker.pid, loop.pid])
    for process in (loop, worker):
        here.portal.kill(process)
    return measured


def _threads(here: Testbed, load: Load) -> Measurement:
    begins = time.time() + 2
    plan = (here.stand_in.origin, load.count, load.interval, begins, load.threads, seed_rows.FIRST_ID, here.stand_in.ca)
    arguments = [sys.executable, "-m", "tests.bench.bare_threads", *map(str, plan)]
    process = subprocess.Popen(arguments, start_new_session=True)
    try:
        return poll_load.measure_polls(here, load, begins, [process.pid])
    finally:
        process.kill()
        process.wait(10)
