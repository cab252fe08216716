"""How soon things happen: a press, a hint, and going on after `kill -9` of each process."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg
import requests

from tests.bench import seed_rows
from tests.bench.result import Result, at_most, share
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.installation import wait_for

ABOUT = (
    "A portal under `manage.py up`: gunicorn, one worker, beat, Redis. Press: `POST /api/v1/projects/:id/exports` until"
    " the row is visible to another connection, until the provider has the request, and until the portal shows the job"
    " as running. Hint: `POST /hooks/…` until the provider is asked. Kill: `kill -9` of the process and all it started,"
    " until each job that was being asked at that moment is asked again (worker), /healthz answers (web), beat has"
    " given a sign of life (beat). `up` waits longer before it restarts what dies again and again, up to 5 s."
)
COUNT: Final = 200
INTERVAL: Final = 5.0
DELAY: Final = 1.0
MOST: Final = 15.0
WORDS: Final = {"worker": "worker", "web": "gunicorn", "beat": "beat"}


@dataclass
class Times:
    """What was measured: name to seconds."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """One more."""
        self.found.setdefault(name, []).append(seconds)

    def results(self) -> list[Result]:
        """p50 and p99 of each; only what follows a kill has a limit."""
        made = []
        for name, values in self.found.items():
            note = f"of {len(values)}, longest {max(values):.3g} s"
            made.append(Result(f"{name}, p50", share(values, 0.5), "s"))
            if name.startswith("kill"):
                made.append(at_most(f"{name}, p99", share(values, 0.99), MOST, "s", note))
            else:
                made.append(Result(f"{name}, p99", share(values, 0.99), "s", note=note))
        return made


def run(quick: bool) -> list[Result]:
    """Presses, hints, kills."""
    times = Times()
    presses, kills = (10, 1) if quick else (50, 20)
    with open_testbed(BENCH_INTERVAL=str(INTERVAL), BENCH_STEADY="1", WORKER_CONCURRENCY="64") as here:
        made = seed_rows.seed(here, presses)
        portal = here.portal
        here.stand_in.set(delay=0.0, forever=True)
        portal.environment["PUBLIC_URL"] = f"http://127.0.0.1:{portal.port}"
        up = portal.start("manage", "up", "--port", str(portal.port))
        try:
            wait_for(lambda: _alive(here), 60, "the portal")
            numbers = [_press(here, project, times) for project in made.projects]
            for number in numbers:
                _hint(here, number, times)
            _rest(numbers)
            here.stand_in.set(delay=DELAY, reset=True)
            # A job comes round every interval and the time of its answer: spread over that, some are always under way.
            seed_rows.running(made, COUNT, INTERVAL + DELAY, 0.0)
            for number in range(kills):
                # In its usual rhythm, and at another moment of it each time.
                time.sleep(INTERVAL + DELAY + number * 0.37 % 1)
                _kill_worker(here, up, times)
            for _ in range(kills):
                _kill(up, "web", lambda since: _web(here), times)
                _kill(up, "beat", _beat, times)
        finally:
            portal.stop_process(up)
    return times.results()


def _alive(here: Testbed) -> bool:
    from exports.models import Heartbeat

    return _web(here) and Heartbeat.is_alive("worker:") and Heartbeat.is_alive("beat")


def _web(here: Testbed) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{here.portal.port}/healthz", timeout=10).status_code == 200
    return False


def _beat(since: float) -> bool:
    from exports.models import Heartbeat

    return any(row.at.timestamp() > since for row in Heartbeat.objects.filter(name="beat"))


def _press(here: Testbed, project: Any, times: Times) -> int:
    """Asks for one export; returns its number."""
    from exports.models import Export

    visible: list[float] = []
    ready = threading.Event()

    def watch() -> None:
        with psycopg.connect(here.address, autocommit=True) as server:
            server.execute("SELECT 1")
            ready.set()
            ends = time.time() + 10
            while time.time() < ends:
                if server.execute("SELECT 1 FROM exports_export WHERE project_id = %s", [project.pk]).fetchone():
                    visible.append(time.time())
                    return
                time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    ready.wait(10)
    began = time.time()
    number = here.portal.ask(project.pk, "archive")
    times.add("press → answered", time.time() - began)
    thread.join()
    times.add("press → row visible", visible[0] - began)
    rows_ = Export.objects.filter(pk=number, status="processing")
    ends = time.time() + 30
    while not rows_.exists():
        assert time.time() < ends, "the export was not submitted within 30 s"
        time.sleep(0.002)
    times.add("press → shown as running", time.time() - began)
    times.add("press → request at the provider", here.stand_in.told()["submitted"][project.remote_id] - began)
    time.sleep(0.1)
    return number


def _hint(here: Testbed, number: int, times: Times) -> None:
    """A webhook for a job that would not be looked at for long."""
    from exports.models import Export

    _rest([number])
    export = Export.objects.get(pk=number)
    told = here.stand_in.told()
    address, before = told["hooks"][export.remote_id], len(told["asked"].get(export.remote_id, []))
    began = time.time()
    requests.post(address, json={}, timeout=30).raise_for_status()

    def asked() -> list[float]:
        found: list[float] = here.stand_in.told()["asked"].get(export.remote_id, [])
        return found[before:]

    wait_for(lambda: bool(asked()), 30, "the poll after the hint")
    times.add("hint → polled", asked()[0] - began)


def _rest(numbers: list[int]) -> None:
    """Nothing of these is due for long."""
    from datetime import timedelta

    from django.utils import timezone

    from exports.models import Export

    later = timezone.now() + timedelta(hours=1)
    rows_ = Export.objects.filter(pk__in=numbers)
    wait_for(lambda: rows_.filter(held_until=None).update(next_step_at=later) == len(numbers), 30, "a quiet moment")


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
    wait_for(lambda: _child(up, which) > 0, 30, which)
    pid = _child(up, which)
    os.killpg(pid, signal.SIGKILL)
    return time.time()


def _kill(up: subprocess.Popen[bytes], which: str, goes_on: Any, times: Times) -> None:
    since = _strike(up, which)
    wait_for(lambda: goes_on(since), 60, f"{which} after kill -9")
    times.add(f"kill -9 of {which}", time.time() - since)
    time.sleep(0.5)


def _kill_worker(here: Testbed, up: subprocess.Popen[bytes], times: Times) -> None:
    """Kills it with a hundred calls or so under way; waits until every one of those jobs was asked again."""
    killed = _strike(up, "worker")
    asked: dict[str, list[float]] = here.stand_in.told()["asked"]
    under_way = [job for job, moments in asked.items() if killed - DELAY < moments[-1] <= killed]
    assert under_way, "nothing was under way"
    again: dict[str, float] = {}

    def all_again() -> bool:
        now: dict[str, list[float]] = here.stand_in.told()["asked"]
        for job in under_way:
            later = [at for at in now[job] if at > killed]
            if later:
                again.setdefault(job, later[0] - killed)
        time.sleep(0.2)
        return len(again) == len(under_way)

    wait_for(all_again, 60, lambda: f"{len(again)} of {len(under_way)} after kill -9 of the worker")
    for seconds in again.values():
        times.add("kill -9 of worker, jobs in flight", seconds)
