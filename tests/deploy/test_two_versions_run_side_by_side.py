"""An upgrade and the way back without a stop: the version before and this one, part by part, with exports open.

Many exports: ROLLING_EXPORTS=200.
"""

import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from exports import clock
from exports.sandbox.server import Sandbox
from tests.deploy.versions import Part, migrate_as, output_of, unpack_previous
from tests.helpers.installation import Installation, wait_for
from tests.helpers.processes import ROOT
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.servers import DATABASE, servers_environment
from tests.helpers.stub_server import free_port

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=120), pytest.mark.timeout(1200)]

EXPORTS = int(os.environ.get("ROLLING_EXPORTS", "16"))
QUEUES = ("portal.submit,portal.control", "portal.poll", "portal.fetch,portal.deliver")


class Fleet:
    """Two web processes, three workers and a beat."""

    def __init__(self, portal: Installation) -> None:
        self.portal, self.ports = portal, (free_port(), free_port())
        self.parts = [self._part("gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}", "--threads", "4",
                                 "--graceful-timeout", "30", "portal.wsgi") for port in self.ports]  # fmt: skip
        for number, queues in enumerate(QUEUES):
            node = ("-n", f"rolling{number}@test", "-Q", portal.queue_names(queues), "-c", "4")
            self.parts.append(self._part("celery", "-A", "portal", "worker", *node, "--loglevel", "WARNING"))
        self.parts.append(self._part("celery", "-A", "portal", "beat", "--pidfile=", "--loglevel", "WARNING"))

    def _part(self, *arguments: str) -> Part:
        return Part(self.portal.folder, self.portal.environment, *arguments)

    def answers(self, port: int) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
        except requests.RequestException:
            return False

    def start(self, root: Path) -> None:
        for part in self.parts:
            part.start(root)
        for port in self.ports:
            wait_for(partial(self.answers, port), 120, lambda: output_of(self.parts))

    def restart_one_by_one(self, root: Path) -> None:
        """As docs/deploy/upgrading.md says."""
        for number, part in enumerate(self.parts):
            part.stop()
            part.start(root)
            if number < len(self.ports):
                wait_for(partial(self.answers, self.ports[number]), 120, lambda: output_of(self.parts))


class Reader:
    """Reads a page again and again through both web processes, as a proxy does: where one refuses, from the other."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self._done = fleet, threading.Event()
        self.count, self.failed = 0, list[str]()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        headers, turn = {"Authorization": f"Bearer {self.fleet.portal.token}"}, 0
        while not self._done.wait(0.05):
            turn += 1
            for port in (self.fleet.ports[turn % 2], self.fleet.ports[(turn + 1) % 2]):
                try:
                    answer = requests.get(f"http://127.0.0.1:{port}/api/v1/exports", headers=headers, timeout=60)
                except requests.ConnectionError:
                    continue
                if answer.status_code != 200:
                    self.failed.append(f"{clock.now():%X.%f} {answer.status_code} {answer.text[:300]}")
                break
            else:
                self.failed.append(f"{clock.now():%X.%f} no web process answers")
            self.count += 1

    def stop(self) -> list[str]:
        """When and how it was not answered with the page."""
        self._done.set()
        self._thread.join(60)
        assert self.count > 0
        return self.failed


@pytest.fixture
def sandbox_of_upgrade() -> Iterator[Sandbox]:
    with Sandbox(time_scale=2.0, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def fleet(tmp_path: Path, sandbox_of_upgrade: Sandbox) -> Iterator[Fleet]:
    with servers_environment("redis", DATABASE) as environment:
        portal = Installation(tmp_path, f"127.0.0.1:{sandbox_of_upgrade.port}", **environment)
        one = Fleet(portal)
        try:
            yield one
        finally:
            for part in one.parts:
                part.kill()


def test_no_export_is_lost_or_doubled_and_no_page_fails(
    tmp_path: Path, fleet: Fleet, sandbox_of_upgrade: Sandbox
) -> None:
    before, portal, sandbox = unpack_previous(tmp_path / "before"), fleet.portal, sandbox_of_upgrade
    portal.token = migrate_as(before, portal.environment)
    refused = Part(tmp_path, portal.environment, *fleet.parts[0].arguments)
    refused.start(ROOT)
    needs_more = migrations(ROOT) - migrations(before)
    if needs_more:
        assert refused.process.wait(120) != 0
        assert "up --prepare" in refused.log.read_text()
    refused.kill()

    fleet.start(before)
    portal.port = fleet.ports[0]
    project = portal.project(TABLES, sandbox.origin(TABLES), "4001")
    scenes = portal.project(ARCHIVES, sandbox.origin(ARCHIVES), "100001")
    asked = [portal.ask(project, "orders", allow_twin=True) for _ in range(EXPORTS // 2)]
    asked += [portal.ask(scenes, "archive", allow_twin=True) for _ in range(EXPORTS - len(asked))]
    wait_for(lambda: portal.export(asked[0])["status"] != "waiting", 120, lambda: output_of(fleet.parts))

    reader = Reader(fleet)
    prepared = portal.manage("up", "--prepare", timeout=600)
    assert prepared.returncode == 0, prepared.stderr
    fleet.restart_one_by_one(ROOT)
    more = [portal.ask(project, "orders", allow_twin=True) for _ in range(4)]
    # And back again, on the new schema.
    fleet.restart_one_by_one(before)
    more += [portal.ask(project, "orders", allow_twin=True) for _ in range(4)]
    ended = [portal.wait_until_ended(number, 400) for number in (*asked, *more)]
    assert {one["status"] for one in ended} == {"succeeded"}, [one["error"] for one in ended]
    assert reader.stop() == [], output_of(fleet.parts)
    assert sandbox.jobs(TABLES, "4001") == EXPORTS // 2 + len(more)
    assert sandbox.jobs(ARCHIVES, "100001") == EXPORTS - EXPORTS // 2


def migrations(root: Path) -> set[str]:
    return {path.name for path in (root / "exports" / "migrations").glob("[0-9]*.py")}
