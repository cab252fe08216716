"""Other pages while eight clients download at 10 kB/s, beside the same pages alone: with gunicorn alone, and nginx."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import requests

from exports.sandbox.server import Sandbox
from tests.bench.result import RATIO, Result, at_most, share
from tests.bench.testbed import Portal
from tests.bench.versions import CURRENT
from tests.helpers.installation import wait_for
from tests.helpers.nginx import nginx
from tests.helpers.roles import ARCHIVES
from tests.helpers.slow_clients import reading_slowly

ABOUT = (
    "A portal's web process as `manage.py up` starts it (one process, eight threads), embedded. One client after the"
    " other asks for pages of the API: alone, and while eight others download a file at 10 kB/s each; they took turns"
    " in the same run, so that each is compared with its neighbour. With nginx the files go by `X_ACCEL_LOCATION`."
)
READERS: Final = 8
BYTES_PER_SECOND: Final = 10_000
FILE_BYTES: Final = 30_000_000
MAX_RATIO: Final = 2.0
PATHS: Final = ("/api/v1/exports", "/api/v1/projects", "/api/v1/exports/1", "/sign-in/", "/api/v1/me")


def run(quick: bool) -> list[Result]:
    """Both ways."""
    turns, pages = (2, 60) if quick else (5, 300)
    results = []
    for name, location in (("gunicorn alone", ""), ("nginx", "/kept/")):
        with _portal(location) as (portal, address):
            results += _measure(name, address, portal.token, turns, pages)
    return results


@contextlib.contextmanager
def _portal(location: str) -> Iterator[tuple[Portal, str]]:
    """A portal that keeps a large file, and the address at which it is met."""
    with tempfile.TemporaryDirectory(prefix="bench-slow-") as name, Sandbox(time_scale=0.02, limits="off") as sandbox:
        sandbox.settings(file_bytes=FILE_BYTES)
        folder = Path(name)
        portal = Portal(
            CURRENT,
            folder,
            f"127.0.0.1:{sandbox.port}",
            X_ACCEL_LOCATION=location,
            DJANGO_SETTINGS_MODULE="portal.settings",
        )
        try:
            portal.prepare()
            web = ("--no-control-socket", "--config", "python:exports.supervisor.gunicorn_config", "--threads", "8")
            portal.start("gunicorn", *web, "-b", f"127.0.0.1:{portal.port}", "--log-level", "warning", "portal.wsgi")
            wait_for(lambda: _answers(portal), 60, portal.logs)
            beat = portal.start("celery", "-A", "portal", "beat", "--pidfile=")
            worker = portal.start("celery", "-A", "portal", "worker", "-P", "threads", "-c", "4", "-l", "warning")
            number = portal.ask(portal.project(ARCHIVES, sandbox.origin(ARCHIVES), "100001"), "archive")
            assert portal.wait_until_ended(number)["status"] == "succeeded"
            portal.stop_process(worker)
            portal.stop_process(beat)
            if location:
                with nginx(folder, portal.port, folder / "var") as address:
                    yield portal, address
            else:
                yield portal, f"http://127.0.0.1:{portal.port}"
        finally:
            portal.stop()


def _answers(portal: Portal) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{portal.port}/healthz", timeout=5).status_code == 200
    return False


def _measure(name: str, address: str, token: str, turns: int, pages: int) -> list[Result]:
    alone: list[float] = []
    beside: list[float] = []
    _times(address, token, pages)  # what is loaded at first
    for _ in range(turns):
        alone += _times(address, token, pages)
        with reading_slowly(address, "/api/v1/exports/1/file", token, READERS, BYTES_PER_SECOND):
            time.sleep(1)
            beside += _times(address, token, pages)
    before, during = share(alone, 0.95), share(beside, 0.95)
    note = f"of {len(beside)} pages each, longest {1000 * max(beside):.0f} ms"
    return [
        Result(f"{name}, pages alone, p95", 1000 * before, "ms"),
        Result(f"{name}, pages beside {READERS} slow readers, p95", 1000 * during, "ms", note=note),
        at_most(f"{name}, beside / alone", during / before, MAX_RATIO, RATIO),
    ]


def _times(address: str, token: str, pages: int) -> list[float]:
    """Seconds of so many pages, one after the other."""
    found = []
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token}"
        for number in range(pages):
            begun = time.perf_counter()
            session.get(address + PATHS[number % len(PATHS)], timeout=60).raise_for_status()
            found.append(time.perf_counter() - begun)
    return found
