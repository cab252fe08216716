"""The largest value that a figure reaches while something is measured."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from tests.bench.process_usage import kilobytes


@dataclass
class Peak:
    """The largest of the values read; read as a `process_usage.Meter` is."""

    value: Callable[[], float]
    first: float | None = None
    max_value: float = 0.0

    def read(self) -> None:
        """Reads it once."""
        value = self.value()
        self.first = value if self.first is None else self.first
        self.max_value = max(self.max_value, value)

    @property
    def growth(self) -> float:
        """How far it rose above the first reading."""
        return self.max_value - (self.first or 0.0)


@contextlib.contextmanager
def connections(address: str, database: str) -> Iterator[Peak]:
    """How many connections PostgreSQL has for a database, without those of this program."""
    with psycopg.connect(address, autocommit=True, application_name="bench") as server:

        def count() -> float:
            row = server.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name <> 'bench'", [database]
            ).fetchone()
            return float(row[0]) if row else 0.0

        yield Peak(count)


@contextlib.contextmanager
def broker_memory(url: str) -> Iterator[Peak]:
    """Bytes that the broker uses: of Redis what it says itself, of RabbitMQ on this machine its resident memory."""
    if not url.startswith("redis"):
        yield Peak(lambda: 1024.0 * sum(kilobytes(pid, "VmRSS") for pid in _erlang_machines()))
        return
    with redis.Redis.from_url(url) as connection:
        yield Peak(lambda: float(connection.info("memory")["used_memory"]))


def _erlang_machines() -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if b"beam.smp" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
    return found
