"""How soon things go on after `kill -9` of each process."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.bench import seed_rows
from tests.bench.press import Times, is_ready, running
from tests.bench.result import Result
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.installation import wait_for

ABOUT = (
    "A portal under `manage.py up`: gunicorn, one worker, beat, Redis and PostgreSQL. Kill: `kill -9` of the process"
    " and all it started, the processes of the worker's pool too, until each job that was being polled then is polled"
    " again (worker), /healthz answers (web), beat has written a heartbeat (beat). `up` waits longer before it"
    " restarts what dies again and again, up to 5 s."
)
COUNT: Final = 200
INTERVAL: Final = 5.0
DELAY: Final = 1.0
MAX_SECONDS: Final = 12.0
WORDS: Final = {"worker": "worker", "web": "gunicorn", "beat": "beat"}


def run(quick: bool) -> list[Result]:
    """Kills of the worker while jobs are polled, then of web and beat."""
    times = Times()
    kills = 1 if quick else 20
    with open_testbed(BENCH_INTERVAL=str(INTERVAL), BENCH_STEADY="1") as here:
        seeded = seed_rows.seed(here, 50)
        here.stand_in.set(delay=DELAY, forever=True)
        with running(here.portal) as up:
            # A job comes round every interval and the time of its answer: spread over that, some are always under way.
            seed_rows.running(seeded, COUNT, INTERVAL + DELAY, 0.0)
            for number in range(kills):
                # In its usual rhythm, and at another moment of it each time.
                time.sleep(INTERVAL + DELAY + number * 0.37 % 1)
                _kill_worker(here, up, times)
            for _ in range(kills):
                _kill(up, "web", lambda since: is_ready(here.portal), times)
                _kill(up, "beat", lambda since: _has_beaten(here, since), times)
    return times.results(p99=MAX_SECONDS)


def _has_beaten(here: Testbed, since: float) -> bool:
    with psycopg.connect(here.address, autocommit=True, application_name="bench") as server:
        row = server.execute(
            "SELECT 1 FROM exports_heartbeat WHERE name LIKE 'beat:%%' AND at > to_timestamp(%s)", [since]
        ).fetchone()
    return row is not None


def _child(up: subprocess.Popen[bytes], which: str) -> int:
    """The process that `up` runs under that name; 0 while there is none."""
    for path in Path("/proc").iterdir():
        if not path.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            words = (path / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if parent == up.pid and WORDS[which] in words:
                return int(path.name)
    return 0


def _strike(up: subprocess.Popen[bytes], which: str) -> float:
    """Kills the process and all it started; when, in seconds since 1970."""
    wait_for(lambda: _child(up, which) > 0, 30, which)
    pid = _child(up, which)
    os.killpg(pid, signal.SIGKILL)
    return time.time()


def _kill(up: subprocess.Popen[bytes], which: str, goes_on: Callable[[float], Any], times: Times) -> None:
    since = _strike(up, which)
    wait_for(lambda: bool(goes_on(since)), 60, f"{which} after kill -9")
    times.add(f"kill -9 of {which}", time.time() - since)
    time.sleep(0.5)


def _under_way(here: Testbed, at: float) -> list[str]:
    """The jobs whose poll the provider got before that time and answers after it."""
    return [job for job, moments in here.stand_in.poll_times().items() if at - DELAY < moments[-1] <= at]


def _kill_worker(here: Testbed, up: subprocess.Popen[bytes], times: Times) -> None:
    """Kills it while it polls some thirty jobs; waits until every one of those was polled again."""
    # After a kill those that waited for it are polled together, so that for a while none is under way.
    wait_for(lambda: bool(_under_way(here, time.time() + DELAY / 2)), 60, "no job is polled")
    killed = _strike(up, "worker")
    under_way = _under_way(here, killed)
    assert under_way, "nothing was under way"
    again: dict[str, float] = {}

    def are_polled_again() -> bool:
        poll_times = here.stand_in.poll_times()
        for job in under_way:
            later = [at for at in poll_times[job] if at > killed]
            if later:
                again.setdefault(job, later[0] - killed)
        time.sleep(0.2)
        return len(again) == len(under_way)

    wait_for(are_polled_again, 60, lambda: f"{len(again)} of {len(under_way)} after kill -9 of the worker")
    for seconds in again.values():
        times.add("kill -9 of worker, jobs in flight", seconds)
