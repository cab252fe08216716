"""Short exports from waiting to a kept file: how many a second, and what each costs the database."""

import time
from datetime import timedelta
from typing import Any, Final

import psycopg

from tests.bench import poll_load, seed_rows
from tests.bench.polls import QUICK
from tests.bench.process_usage import Meter, metering, session_processes
from tests.bench.result import Result
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.installation import wait_for

ABOUT = (
    "Exports of projects of their own on 100 credentials, all due at once: submit, one poll (the job is done), fetch of"
    " a small zip, hash, verification, history. One worker; no mail. Statements are counted by Django in the worker in"
    " a smaller run of its own; transactions by PostgreSQL."
)
SLOTS: Final = 32
COUNTED: Final = 200


def run(quick: bool) -> list[Result]:
    """The time, then the count."""
    count = 200 if quick else 10_000
    made = _timed(count)
    made.append(_counted(COUNTED))
    return made


def _timed(count: int) -> list[Result]:
    with open_testbed(BENCH_INTERVAL="0.2") as here:
        worker = _begin(here, count)
        before = _transactions(here)
        own, database = Meter(lambda: session_processes(worker.pid)), Meter(here.backends)
        with metering(own, database):
            spent = _all(count)
        here.portal.stop_process(worker)
        transactions = _transactions(here) - before
    return [
        Result(f"{count} short exports", count / spent, "exports/s"),
        Result("CPU per export, worker", 1e3 * own.used / count, "ms"),
        Result("CPU per export, database", 1e3 * database.used / count, "ms"),
        Result("transactions per export", transactions / count, note="pg_stat_database, what looks on included"),
    ]


def _counted(count: int) -> Result:
    with open_testbed(BENCH_INTERVAL="0.2") as here:
        path = here.folder / "statements"
        here.portal.environment["BENCH_COUNT"] = str(path)
        worker = _begin(here, count)
        before = _number(path)
        spent = _all(count)
        time.sleep(1)
        counted = _number(path) - before
        here.portal.stop_process(worker)
    note = f"looking for work and signs of life included, {spent:.0f} s"
    return Result("statements per export", counted / count, note=note)


def _number(path: Any) -> int:
    return int(path.read_text() or 0) if path.exists() else 0


def _begin(here: Testbed, count: int) -> Any:
    """A worker, and exports that are not due yet."""
    from django.utils import timezone

    from exports.models import Export, Project

    made = seed_rows.seed(here, poll_load.CREDENTIALS)
    here.stand_in.set(delay=0.0, link=f"{here.stand_in.origin}/files/JOB.zip")
    last = seed_rows.FIRST + count - 1
    first = made.credentials[0].pk
    credential = f"{first} + g % {poll_load.CREDENTIALS}"
    seed_rows.copies(Project, made.projects[0], seed_rows.FIRST, last, remote_id="g::text", credential_id=credential)
    now = timezone.now()
    like = Export.objects.create(
        pk=seed_rows.FIRST - 1, team=made.team, project=made.projects[0], user=made.user, trigger="person", type="archive",
        format="zip", next_step_at=now + timedelta(days=1), deadline_at=now + timedelta(days=2),
    )  # fmt: skip
    seed_rows.copies(Export, like, seed_rows.FIRST, last, project_id="g")
    Export.objects.filter(pk=like.pk).delete()
    here.portal.environment["WORKER_CONCURRENCY"] = str(SLOTS)
    return poll_load.start_worker(here, QUICK, WORKER_CONCURRENCY=str(SLOTS))


def _all(count: int) -> float:
    """Makes them due; seconds until all have ended."""
    from django.utils import timezone

    from exports.models import Export

    began = time.monotonic()
    Export.objects.filter(pk__gte=seed_rows.FIRST).update(next_step_at=timezone.now())

    def over() -> bool:
        time.sleep(0.2)
        return not Export.objects.filter(pk__gte=seed_rows.FIRST, finished_at=None).exists()

    wait_for(over, 60 + count / 4, lambda: str(Export.objects.filter(finished_at=None).values()[:3]))
    spent = time.monotonic() - began
    good = Export.objects.filter(pk__gte=seed_rows.FIRST, status="succeeded").count()
    assert good == count, f"{good} of {count} succeeded"
    return spent


def _transactions(here: Testbed) -> int:
    with psycopg.connect(here.address, autocommit=True) as server:
        row = server.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", [here.database]
        ).fetchone()
    return int(row[0]) if row else 0
