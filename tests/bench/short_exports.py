"""Short exports from waiting to a kept file: how many a second, and what each costs worker and database."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg

from tests.bench import landed, poll_load, seed_rows
from tests.bench.environment import empty_broker
from tests.bench.process_usage import Meter, metering, session_seconds
from tests.bench.result import RATIO, Result, at_least, at_most
from tests.bench.statement_counter import VARIABLE
from tests.bench.testbed import Testbed, open_testbed
from tests.bench.versions import CURRENT, Version
from tests.helpers.installation import wait_for

ABOUT = (
    "Exports of projects of their own on 100 credentials, all due at once: submit, one poll (the job is done), fetch of"
    " a small zip, hash, verification, history. One worker node of the size that `manage.py up` takes, and beat; no"
    " mail. An older version runs with its own code, worker and beat in a database of its own. Exports per worker core"
    " used: of one second of the worker's processor time, all its processes included. Statements are counted at"
    " psycopg's cursors in worker and beat, in a smaller run of its own; transactions by PostgreSQL."
)
# So many for each credential that most find their rate windows running, as in the larger run.
COUNTED: Final = 2_000
# Steps at once of a version that runs them in threads of its own.
OWN_THREADS: Final = 32
MAX_STATEMENTS: Final = 24


@dataclass(frozen=True)
class Cost:
    """What one version needed: exports a second, and per export processor seconds, transactions and statements."""

    rate: float
    worker: float
    beat: float
    database: float
    transactions: float
    statements: float
    counted_seconds: float


def run(quick: bool) -> list[Result]:
    """The portal, and the older version where one was chosen."""
    count = 200 if quick else 10_000
    older = landed.chosen()
    costs = {version.name: _measured(version, count) for version in (CURRENT, older) if version}
    results = [result for name, cost in costs.items() for result in _shown(name, cost, count)]
    if older:
        ratio = costs[older.name].worker / costs[CURRENT.name].worker
        results.append(at_least(f"exports per worker core used, {CURRENT.name} / {older.name}", ratio, 1.5, RATIO))
    return results


def _shown(name: str, cost: Cost, count: int) -> list[Result]:
    note = f"dispatches, heartbeats and sweeps included, {cost.counted_seconds:.0f} s"
    statements = Result(f"{name}, statements per export", cost.statements, note=note)
    if name == CURRENT.name:
        statements = at_most(statements.name, cost.statements, MAX_STATEMENTS, note=note)
    return [
        Result(f"{name}, {count} short exports", cost.rate, "exports/s"),
        Result(f"{name}, exports per worker core used", 1 / cost.worker, "exports/s"),
        Result(f"{name}, CPU per export, worker", 1e3 * cost.worker, "ms"),
        Result(f"{name}, CPU per export, beat", 1e3 * cost.beat, "ms"),
        Result(f"{name}, CPU per export, database", 1e3 * cost.database, "ms"),
        Result(
            f"{name}, transactions per export", cost.transactions, note="pg_stat_database, the bench's own included"
        ),
        statements,
    ]


def _measured(version: Version, count: int) -> Cost:
    with _waiting(version, count) as here:
        processes = _start(here)
        workers, beat = [node.pid for node in processes.nodes], [processes.beat.pid]
        transactions, database = _transactions(here), Meter(here.backends)
        worker_used, beat_used = session_seconds(workers), session_seconds(beat)
        with metering(database):
            seconds = _run_all(here, count)
        worker_used, beat_used = session_seconds(workers) - worker_used, session_seconds(beat) - beat_used
        transactions = _transactions(here) - transactions
        processes.stop()
    statements, counted_seconds = _counted(version, min(count, COUNTED))
    print(f"  {version.name}: {count / seconds:.1f} exports/s, {1e3 * worker_used / count:.1f} ms", flush=True)
    return Cost(
        count / seconds,
        worker_used / count,
        beat_used / count,
        database.used / count,
        transactions / count,
        statements,
        counted_seconds,
    )


def _counted(version: Version, count: int) -> tuple[float, float]:
    """Statements per export, and the seconds of that run."""
    with _waiting(version, count) as here:
        path = here.folder / "statements"
        here.portal.environment[VARIABLE] = str(path)
        processes = _start(here)
        before = path.stat().st_size
        seconds = _run_all(here, count)
        time.sleep(1)
        counted = path.stat().st_size - before
        processes.stop()
    return counted / count, seconds


@contextlib.contextmanager
def _waiting(version: Version, count: int) -> Iterator[Testbed]:
    """A testbed of the version with exports that are not due yet."""
    with open_testbed(version, BENCH_INTERVAL="0.2") as here:
        empty_broker()
        here.stand_in.set(delay=0.0, link=f"{here.stand_in.origin}/files/JOB.zip")
        arguments = ("waiting", here.stand_in.origin, str(poll_load.CREDENTIALS), str(count))
        here.portal.run_module("tests.bench.seed_version", *arguments)
        yield here


def _start(here: Testbed) -> poll_load.Processes:
    return poll_load.start_processes(here, poll_load.usual_slots(), threads=OWN_THREADS)


def _run_all(here: Testbed, count: int) -> float:
    """Makes them due; seconds until all have ended."""
    with psycopg.connect(here.address, autocommit=True, application_name="bench") as server:

        def number(condition: str) -> int:
            statement = f"SELECT count(*) FROM exports_export WHERE id >= %s AND {condition}"  # noqa: S608
            row = server.execute(statement.encode(), [seed_rows.FIRST_ID]).fetchone()
            return int(row[0]) if row else 0

        def are_over() -> bool:
            time.sleep(0.2)
            return number("finished_at IS NULL") == 0

        began = time.monotonic()
        server.execute("UPDATE exports_export SET next_step_at = now() WHERE id >= %s", [seed_rows.FIRST_ID])
        wait_for(are_over, 60 + count / 4, lambda: f"{number('finished_at IS NULL')} of {count} have not ended")
        seconds = time.monotonic() - began
        succeeded = number("status = 'succeeded'")
    assert succeeded == count, f"{succeeded} of {count} succeeded"
    return seconds


def _transactions(here: Testbed) -> int:
    with psycopg.connect(here.address, autocommit=True, application_name="bench") as server:
        row = server.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = %s", [here.database]
        ).fetchone()
    return int(row[0]) if row else 0
