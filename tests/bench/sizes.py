"""What a hundred, ten thousand and a million exports in flight take: processes, connections, memory, broker, disk."""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from tests.bench import poll_load, seed_rows
from tests.bench.environment import SERVER
from tests.bench.peaks import broker_memory, connections
from tests.bench.poll_load import CREDENTIALS, Load
from tests.bench.process_usage import metering, session_processes
from tests.bench.result import Result, at_least, at_most, missing, share
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.broker_queues import drop_queues
from tests.helpers.pgbouncer import pgbouncer

ABOUT = (
    "As `in_flight`: one worker node with a prefork pool for all queues, and beat, on PostgreSQL; the provider answers"
    " after 100 ms. Connections: the most that the server had for the portal at once. Broker: the most memory that"
    " Redis says it uses, or RabbitMQ's processes have, beyond what it was before the worker started. Rows: the table"
    " of exports with its indices, as it is after the polls."
)
POOLED_CONNECTIONS: Final = 10
RABBITMQ: Final = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")


@dataclass(frozen=True)
class Size:
    """What is measured: a load, and what stands between."""

    load: Load
    pooled: bool = False
    rabbitmq: bool = False

    @property
    def name(self) -> str:
        """For the results."""
        count = f"{self.load.count:,}".replace(",", " ")
        return f"{count} in flight{', pgbouncer' if self.pooled else ''}{', RabbitMQ' if self.rabbitmq else ''}"


FULL: Final = (
    Size(Load(100, 10.0, 10.0, 30.0)),
    Size(Load(10_000, 20.0, 15.0, 40.0)),
    Size(Load(10_000, 20.0, 15.0, 40.0), pooled=True),
    Size(Load(10_000, 20.0, 15.0, 40.0), rabbitmq=True),
    Size(Load(1_000_000, 1800.0, 15.0, 40.0)),
    Size(Load(1_000_000, 1800.0, 15.0, 40.0), pooled=True),
)
QUICK: Final = (
    Size(Load(100, 10.0, 3.0, 5.0)),
    Size(Load(1_000, 20.0, 3.0, 5.0), pooled=True),
    Size(Load(1_000, 20.0, 3.0, 5.0), rabbitmq=True),
)


def run(quick: bool) -> list[Result]:
    """Each size, once."""
    return [result for size in (QUICK if quick else FULL) for result in _measured(size)]


def _measured(size: Size) -> list[Result]:
    load = size.load
    with open_testbed(**poll_load.environment(load)) as here, contextlib.ExitStack() as stack:
        broker = stack.enter_context(_between(here, size))
        clients = stack.enter_context(connections(here.address, here.database))
        memory = stack.enter_context(broker_memory(broker))
        here.stand_in.set(delay=load.delay)
        begins = seed_rows.running(seed_rows.seed(here, CREDENTIALS), load.count, load.interval, 15 + load.count / 8000)
        memory.read()
        processes = poll_load.start_processes(here, load.slots)
        if time.time() > begins:
            return [missing(size.name, "making the rows took longer than was allowed for")]
        with metering(clients, memory):
            measured = poll_load.measure_polls(here, load, begins, processes.sessions)
        count = sum(len(session_processes(session)) for session in processes.sessions)
        processes.stop()
        row_bytes = _row_bytes(here, load.count)
    cores = 100 * measured.each * measured.rate
    return [
        Result(f"{size.name}, polls", measured.rate, "/s", note=f"each every {load.interval:g} s"),
        at_least(f"{size.name}, share of the wanted rate", 100 * measured.rate / load.rate, 98, "%"),
        at_most(f"{size.name}, lag p99", share(measured.lags, 0.99), 1.0, "s"),
        Result(f"{size.name}, processes", count, note=f"{load.slots} slots, beat"),
        Result(f"{size.name}, their memory (PSS)", measured.memory, "MB", note=f"largest {measured.largest:.0f} MB"),
        Result(f"{size.name}, their processor time", cores, "% of a core"),
        Result(f"{size.name}, database's processor time", 100 * measured.each_database * measured.rate, "% of a core"),
        Result(f"{size.name}, connections at the database", clients.max_value),
        Result(f"{size.name}, broker's memory", memory.growth / 1e6, "MB"),
        Result(f"{size.name}, a row of the table of exports", row_bytes, "bytes"),
    ]


@contextlib.contextmanager
def _between(here: Testbed, size: Size) -> Iterator[str]:
    """Puts what the size names between the portal and its servers; gives the broker's address."""
    environment = here.portal.environment
    with contextlib.ExitStack() as stack:
        if size.pooled:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-pgbouncer-")))
            folder.chmod(0o755)
            pool = stack.enter_context(pgbouncer(folder, SERVER, connections=POOLED_CONNECTIONS))
            environment["DATABASE_URL"] = pool.address(environment["DATABASE_URL"])
        if size.rabbitmq:
            environment["CELERY_BROKER_URL"] = RABBITMQ
            stack.callback(drop_queues, RABBITMQ, "portal")
        yield environment["CELERY_BROKER_URL"]


def _row_bytes(here: Testbed, count: int) -> float:
    with psycopg.connect(here.address, autocommit=True, application_name="bench") as server:
        row = server.execute("SELECT pg_total_relation_size('exports_export')").fetchone()
    return float(row[0]) / count if row else float("nan")
