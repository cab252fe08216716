"""Polls under load: how many a second, how late, and what they cost. Portal and peers are measured alike."""

import itertools
import math
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.bench import seed_rows
from tests.bench.process_usage import Meter, megabytes, metering, session_seconds
from tests.bench.result import share
from tests.bench.testbed import Portal, Testbed, wait_for_heartbeats

CREDENTIALS: Final = 100


def usual_slots() -> int:
    """The slots of the worker that `manage.py up` starts here beside Redis and PostgreSQL, or BENCH_SLOTS."""
    return int(os.environ.get("BENCH_SLOTS") or max(8, 2 * (os.cpu_count() or 1)))


@dataclass(frozen=True)
class Load:
    """`count` exports in flight, each due every `interval` seconds; measured for `seconds` after `warm`."""

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
        """Slots of the worker (its `-c`): what `manage.py up` would take, twice the messages under way, or BENCH_SLOTS.

        A message of up to 50 polls takes the provider's time, and as long again to be begun and written.
        """
        messages = math.ceil(self.rate / 50 * 2 * max(self.delay, 0.05))
        return max(usual_slots(), 0 if os.environ.get("BENCH_SLOTS") else 1 + 2 * messages)

    @property
    def threads(self) -> int:
        """Twice as many calls at once as must be under way at any time: threads of peers and of older versions."""
        return max(16, int(2 * self.rate * max(self.delay, 0.05)))


@dataclass(frozen=True)
class Measurement:
    """What was measured of one of them.

    `lags`: seconds from when a poll was due by the plan to when it was made, below 0 where it came early. `gaps`:
    seconds between two polls of one job, beyond the interval.
    `cpu`, `database`: processor seconds. `memory`: PSS in MB of all its processes, `largest`: of the largest.
    """

    polls: int
    rate: float
    lags: list[float]
    gaps: list[float]
    cpu: float
    database: float
    memory: float
    largest: float
    delay: float

    @property
    def from_answer(self) -> bool:
        """Whether the next poll is due an interval after the answer: then the provider's own time lies in every gap."""
        return share(self.gaps, 0.01) > self.delay - 0.005

    def late_by_plan(self, part: float) -> float:
        """The seconds from due to polled below which this part (0 to 1) of the polls lies, by the plan."""
        return max(0.0, share(self.lags, part))

    def late_by_gaps(self, part: float) -> float:
        """The same, computed from the gaps."""
        return share(self.gaps, part) - (self.delay if self.from_answer else 0.0)

    @property
    def each(self) -> float:
        """Processor seconds per poll, without the database's."""
        return self.cpu / self.polls if self.polls else float("nan")

    @property
    def each_database(self) -> float:
        """The database's processor seconds per poll."""
        return self.database / self.polls if self.polls else float("nan")


def measure_polls(here: Testbed, load: Load, begins: float, sessions: Sequence[int]) -> Measurement:
    """Measures the processes of these sessions from `warm` seconds after the beginning on, for `seconds`."""
    time.sleep(max(0.0, begins + load.warm - time.time()))
    database = Meter(here.backends)
    start, used = time.time(), session_seconds(sessions)
    with metering(database):
        time.sleep(load.seconds)
        end, used = time.time(), session_seconds(sessions) - used
        memory = megabytes(sessions)
    # One that has ended would look like a peer that is slow.
    ended = [session for session in sessions if not sum(megabytes([session]))]
    if ended:
        raise AssertionError(f"processes ended while they were measured: {ended}\n{here.portal.logs()}")
    return measurement(here.stand_in.poll_times(), load, begins, (start, end), used, database.used, memory)


def measurement(
    poll_times: dict[str, list[float]],
    load: Load,
    begins: float,
    window: tuple[float, float],
    cpu: float,
    database: float,
    memory: Sequence[float],
) -> Measurement:
    """Computes it from the times at which each job was polled.

    The portal plans a job's polls an interval apart from the first on, whose time is known: `lags` are what those due
    in the window were late by that plan, and one that falls behind stays behind. Peers plan the next an interval after
    the poll before, or after its answer, so `gaps`, the seconds between two polls beyond the interval, say how late the
    second was. What was due and not polled counts as late as it is by the end.
    """
    start, end = window
    polls, lags, gaps = 0, [], []
    for number in range(load.count):
        times = poll_times.get(str(seed_rows.FIRST_ID + number), [])
        polls += sum(1 for at in times if start <= at < end)
        first = begins + number * load.interval / load.count
        for due, at in zip(
            _plan(first, load.interval, end), itertools.chain(times, itertools.repeat(end)), strict=False
        ):
            lags += [at - due] if due >= start else []
        gaps += [b - a - load.interval for a, b in itertools.pairwise(times) if start <= b < end]
        next_due = times[-1] + load.interval if times else first
        if next_due + load.delay < end:
            gaps.append(end - next_due)
    return Measurement(polls, polls / (end - start), lags, gaps, cpu, database, sum(memory), max(memory), load.delay)


def _plan(first: float, interval: float, end: float) -> list[float]:
    """When polls are due before the end."""
    return [first + number * interval for number in range(max(0, math.ceil((end - first) / interval)))]


@dataclass(frozen=True)
class Processes:
    """The processes that work for a portal: its worker nodes, and beat."""

    portal: Portal
    nodes: Sequence[subprocess.Popen[bytes]]
    beat: subprocess.Popen[bytes]

    @property
    def sessions(self) -> list[int]:
        """Their sessions: each was started in one of its own, which its pool's processes share."""
        return [process.pid for process in (*self.nodes, self.beat)]

    def stop(self) -> None:
        """Ends them with SIGTERM."""
        for process in (self.beat, *self.nodes):
            self.portal.stop_process(process)


def start_processes(here: Testbed, slots: int, *, threads: int = 0, nodes: int = 1) -> Processes:
    """Starts so many worker nodes with so many slots each, and beat; returns when all have written a heartbeat.

    `threads`: the steps at once of a version that runs them in threads of its own.
    """
    portal, since = here.portal, time.time()
    portal.environment["WORKER_CONCURRENCY"] = str(threads or slots)
    running = [portal.start_node(slots) for _ in range(nodes)]
    beat = portal.start("celery", "-A", "portal", "beat", "--pidfile=", "--loglevel", "WARNING")
    wait_for_heartbeats(here, "worker:", nodes, since, [*running, beat])
    return Processes(portal, running, beat)


def environment(load: Load) -> dict[str, Any]:
    """The environment of the bench's provider."""
    return {"BENCH_INTERVAL": str(load.interval), "BENCH_STEADY": "1"}
