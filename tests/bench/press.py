"""How soon after the button the provider has the request, beside Redis and PostgreSQL and embedded; and webhooks."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import psycopg
import requests

from tests.bench import seed_rows
from tests.bench.environment import KEYS, SETTINGS
from tests.bench.result import Result, at_most, share
from tests.bench.testbed import Portal, ProviderProcess, data_folder, open_testbed
from tests.bench.versions import CURRENT
from tests.helpers.installation import wait_for

ABOUT = (
    "A portal under `manage.py up`: gunicorn, one worker, beat; beside Redis and PostgreSQL, and embedded (SQLite and"
    " the embedded broker). Press: `POST /api/v1/projects/:id/exports`, which is what the button does, until it is"
    " answered, until the row is visible to another connection of PostgreSQL, until the provider has the request, and"
    " until the portal shows the job as running. Webhook: `POST /hooks/…` for a job that is not due for an hour, until"
    " the provider is polled. One press after the other, on a portal that does nothing else."
)
# Longer than the bench lasts, so that only a webhook brings a poll.
INTERVAL: Final = 3600.0
LIMITS: Final = {"Redis": 0.1, "embedded": 0.5}
REQUEST: Final = "press → request at the provider"


@dataclass
class Times:
    """Seconds by what was measured."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, seconds: float) -> None:
        """Adds one measurement."""
        self.values.setdefault(name, []).append(seconds)

    def results(self, prefix: str = "", p50: dict[str, float] | None = None, p99: float = 0.0) -> list[Result]:
        """p50 and p99 of each. `p50`: limits by name; `p99`: the limit of all, where it is not 0."""
        results = []
        for name, values in self.values.items():
            note = f"of {len(values)}, longest {max(values):.3g} s"
            shown, median, late = f"{prefix}{name}", share(values, 0.5), share(values, 0.99)
            limit = (p50 or {}).get(name)
            results.append(
                at_most(f"{shown}, p50", median, limit, "s") if limit else Result(f"{shown}, p50", median, "s")
            )
            results.append(
                at_most(f"{shown}, p99", late, p99, "s", note) if p99 else Result(f"{shown}, p99", late, "s", note=note)
            )
        return results


def run(quick: bool) -> list[Result]:
    """Both ways."""
    presses = 10 if quick else 50
    results = []
    for name, opened in (("Redis", _beside_services), ("embedded", _embedded)):
        times = Times()
        with opened() as (portal, provider, database), running(portal):
            projects = _projects(portal, provider, presses)
            # The first one of a worker loads and connects.
            _press(portal, provider, projects.pop(), Times(), database)
            exports = [_press(portal, provider, project, times, database) for project in projects]
            for export in exports:
                _webhook(portal, provider, export, times)
        results += times.results(f"{name}, ", {REQUEST: LIMITS[name]})
    return results


Opened = tuple[Portal, ProviderProcess, str]


@contextlib.contextmanager
def _beside_services() -> Iterator[Opened]:
    with open_testbed(BENCH_INTERVAL=str(INTERVAL), BENCH_STEADY="1") as here:
        yield here.portal, here.stand_in, here.address


@contextlib.contextmanager
def _embedded() -> Iterator[Opened]:
    with data_folder() as folder:
        provider = ProviderProcess(folder)
        variables = {"BENCH_INTERVAL": str(INTERVAL), "BENCH_STEADY": "1", "DJANGO_SETTINGS_MODULE": SETTINGS, **KEYS}
        portal = Portal(CURRENT, folder, f"127.0.0.1:{provider.port}", **variables)
        try:
            portal.prepare()
            yield portal, provider, ""
        except BaseException:
            print(portal.logs())
            raise
        finally:
            portal.stop()
            provider.stop()


@contextlib.contextmanager
def running(portal: Portal) -> Iterator[subprocess.Popen[bytes]]:
    """The portal under `manage.py up`, once its web process, worker and beat are there."""
    portal.environment["PUBLIC_URL"] = f"http://127.0.0.1:{portal.port}"
    up = portal.start("manage", "up", "--port", str(portal.port))
    try:
        wait_for(lambda: is_ready(portal), 90, lambda: f"the portal\n{portal.logs()}")
        yield up
    finally:
        portal.stop_process(up)


def is_ready(portal: Portal) -> bool:
    """Whether the web process answers that everything works."""
    with contextlib.suppress(requests.RequestException):
        answer = requests.get(f"http://127.0.0.1:{portal.port}/healthz", timeout=10)
        return answer.status_code == 200
    return False


def _projects(portal: Portal, provider: ProviderProcess, count: int) -> list[tuple[int, str]]:
    """Number and remote id of projects with a credential each, and one more to warm up with."""
    provider.set(delay=0.0, forever=True)
    projects = []
    for number in range(count + 1):
        body = {
            "provider": "bench",
            "name": f"bench {number}",
            "secrets": seed_rows.SECRETS,
            "origin": provider.origin,
        }
        credential = portal.api("POST", "/credentials", body)
        assert credential.status_code == 201, credential.text
        remote_id = str(1000 + number)
        body = {"credential_id": credential.json()["id"], "remote_id": remote_id}
        project = portal.api("POST", "/projects", body)
        assert project.status_code == 201, project.text
        projects.append((int(project.json()["id"]), remote_id))
    return projects


def _press(portal: Portal, provider: ProviderProcess, project: tuple[int, str], times: Times, database: str) -> int:
    """Asks for one export; returns its number. `database`: where to look for the row, "" for nowhere."""
    with _visibility(database, project[0]) as visible_at:
        began = time.time()
        number = portal.ask(project[0], "archive")
        times.add("press → answered", time.time() - began)
    if visible_at:
        times.add("press → row visible", visible_at[0] - began)
    _wait(lambda: portal.export(number)["status"] == "processing", "the export as running")
    times.add("press → shown as running", time.time() - began)
    times.add(REQUEST, provider.report()["submitted"][project[1]] - began)
    # The next press is not to meet what this one left to do.
    time.sleep(0.5)
    return number


@contextlib.contextmanager
def _visibility(database: str, project: int) -> Iterator[list[float]]:
    """Notes when a row of the project is first visible to another connection."""
    visible_at: list[float] = []
    is_connected = threading.Event()

    def watch() -> None:
        with psycopg.connect(database, autocommit=True) as server:
            server.execute("SELECT 1")
            is_connected.set()
            ends = time.time() + 10
            while time.time() < ends and not visible_at:
                if server.execute("SELECT 1 FROM exports_export WHERE project_id = %s", [project]).fetchone():
                    visible_at.append(time.time())
                time.sleep(0.001)

    if not database:
        yield visible_at
        return
    thread = threading.Thread(target=watch)
    thread.start()
    is_connected.wait(10)
    yield visible_at
    thread.join()


def _webhook(portal: Portal, provider: ProviderProcess, number: int, times: Times) -> None:
    """A webhook for a job that is not due for long."""
    job = portal.export(number)["remote_id"]
    report = provider.report()
    address, before = report["webhooks"][job], len(report["polled"].get(job, []))
    began = time.time()
    requests.post(address, json={}, timeout=30).raise_for_status()
    _wait(lambda: len(provider.poll_times().get(job, [])) > before, "the poll after the webhook")
    times.add("webhook → polled", provider.poll_times()[job][before] - began)
    time.sleep(0.5)


def _wait(happens: Callable[[], bool], what: str) -> None:
    """As `wait_for`, at shorter pauses."""
    ends = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < ends, f"not within 30 s: {what}"
        time.sleep(0.01)
