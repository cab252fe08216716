"""Polls under load: how many a second, how late, and what they cost. Portal and peers are measured alike."""

import itertools
import math
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any, Final

from tests.bench import seed_rows
from tests.bench.process_usage import Meter, megabytes, metering, session_processes
from tests.bench.result import share
from tests.bench.testbed import Testbed, worker_ready

CREDENTIALS: Final = 100


@dataclass(frozen=True)
class Load:
    """`count` exports in flight, each due every `interval` seconds; looked at for `seconds` after `warm`."""

    count: int
    interval: float
    warm: float
    seconds: float
    delay: float = 0.1

    @property
    def rate(self) -> float:
        """Polls a second that are wanted."""
        return self.count / self.interval

    @property
    def slots(self) -> int:
        """The portal's steps at once (WORKER_CONCURRENCY): as many as `threads`, or BENCH_SLOTS."""
        return int(os.environ.get("BENCH_SLOTS") or self.threads)

    @property
    def threads(self) -> int:
        """Twice as many calls at once as must be under way at any time."""
        return max(16, int(2 * self.rate * max(self.delay, 0.05)))


@dataclass(frozen=True)
class Measurement:
    """What was seen of one of them. `gaps`: what lay between two polls of one job, beyond the interval."""

    polls: int
    rate: float
    lags: list[float]
    gaps: list[float]
    cpu: float
    database: float
    memory: float
    delay: float

    @property
    def from_answer(self) -> bool:
        """Whether the next poll is due an interval after the answer: then the provider's own time lies in every gap."""
        return share(self.gaps, 0.01) > self.delay - 0.005

    def late(self, part: float) -> float:
        """Seconds from due to asked, reckoned from the gaps."""
        return share(self.gaps, part) - (self.delay if self.from_answer else 0.0)

    @property
    def each(self) -> float:
        """Processor seconds a poll, without the database's."""
        return self.cpu / self.polls if self.polls else float("nan")

    @property
    def each_database(self) -> float:
        """The database's processor seconds a poll."""
        return self.database / self.polls if self.polls else float("nan")


def measure_polls(ground: Testbed, load: Load, begins: float, *sessions: int) -> Measurement:
    """Looks on at the processes of these sessions from `warm` seconds after the beginning, for `seconds`.

    The memory is that of the session which takes most.
    """
    time.sleep(max(0.0, begins + load.warm - time.time()))
    own = Meter(lambda: itertools.chain.from_iterable(map(session_processes, sessions)))
    database = Meter(ground.backends)
    start = time.time()
    with metering(own, database):
        time.sleep(load.seconds)
        memory = max(map(megabytes, sessions))
    end = time.time()
    asked: dict[str, list[float]] = ground.stand_in.told()["asked"]
    return measurement(asked, load, begins, start, end, own.used, database.used, memory)


def measurement(
    asked: dict[str, list[float]],
    load: Load,
    begins: float,
    start: float,
    end: float,
    cpu: float,
    database: float,
    memory: float,
) -> Measurement:
    """Reckons it from the times at which each job was asked for.

    The portal plans a job's polls an interval apart from the first on, whose time is known: `lags` are what those due
    while we look were late by that plan, and one that falls behind stays behind. Peers plan the next an interval after
    the poll before, or after its answer, so `gaps`, what lies between two polls beyond the interval, say how late the
    second was. What was due and not asked for counts as late as it is by the end.
    """
    polls, lags, gaps = 0, [], []
    for number in range(load.count):
        times = asked.get(str(seed_rows.FIRST + number), [])
        polls += sum(1 for at in times if start <= at < end)
        first = begins + number * load.interval / load.count
        for due, at in zip(
            _plan(first, load.interval, end), itertools.chain(times, itertools.repeat(end)), strict=False
        ):
            lags += [max(0.0, at - due)] if due >= start else []
        gaps += [b - a - load.interval for a, b in itertools.pairwise(times) if start <= b < end]
        next_due = times[-1] + load.interval if times else first
        if next_due + load.delay < end:
            gaps.append(end - next_due)
    return Measurement(polls, polls / (end - start), lags, gaps, cpu, database, memory, load.delay)


def _plan(first: float, interval: float, end: float) -> list[float]:
    """When polls are due before the end."""
    return [first + number * interval for number in range(max(0, math.ceil((end - first) / interval)))]


def start_worker(ground: Testbed, load: Load, **more: str) -> subprocess.Popen[bytes]:
    """Starts a worker with as many slots as the load needs, and waits for its first sign of life."""
    ground.portal.environment |= {"WORKER_CONCURRENCY": str(load.slots), **more}
    worker = ground.portal.start_worker()
    worker_ready(ground.portal, worker)
    return worker


def environment(load: Load) -> dict[str, Any]:
    """What the bench's provider must know."""
    return {"BENCH_INTERVAL": str(load.interval), "BENCH_STEADY": "1"}
