"""A queue without a reader and a beat that is gone are named by readyz, doctor, metrics, and to the operators."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.servers import DATABASE, servers_environment
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=150), pytest.mark.timeout(420)]
QUEUES = ("portal.submit", "portal.poll", "portal.fetch", "portal.deliver", "portal.control")


@pytest.fixture
def monitor() -> Iterator[StubServer]:
    with run_stub_server() as server:
        server.on("GET /ping", Reply(200))
        yield server


@pytest.fixture
def watched(tmp_path: Path, own_sandbox: Sandbox, monitor: StubServer, prepared: Path) -> Iterator[Installation]:
    """A portal on PostgreSQL and Redis, with its web process, operators who get mail into files, and a monitor."""
    told = {"OPERATORS": "ops@example.org", "DEAD_MAN_URL": f"{monitor.origin}/ping"}
    private = f"127.0.0.1:{own_sandbox.port},{monitor.host}"
    with (
        servers_environment("redis", DATABASE) as environment,
        installation(tmp_path, private, prepared, **environment, **told) as started,
    ):
        started.start_web()
        yield started


def readyz(portal: Installation) -> dict[str, Any]:
    answer = requests.get(f"http://127.0.0.1:{portal.port}/readyz", headers={"Host": "10.1.2.3"}, timeout=20)
    assert answer.status_code == 200, answer.text
    checks: dict[str, Any] = answer.json()["checks"]
    return checks


def readers(portal: Installation) -> dict[str, float]:
    text = requests.get(f"http://127.0.0.1:{portal.port}/metrics", timeout=20).text
    lines = [line for line in text.splitlines() if line.startswith("portal_queue_readers{")]
    return {line.partition('queue="')[2].partition('"')[0]: float(line.rpartition(" ")[2]) for line in lines}


def mails(portal: Installation) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return [path.read_text() for path in (portal.folder / "var" / "mail").iterdir()]
    return []


def test_each_queue_in_turn_and_then_the_beat(watched: Installation, monitor: StubServer) -> None:
    watched.start_worker(name="one")
    wait_for(lambda: all(one["ok"] for one in readyz(watched).values()), 60, lambda: str(readyz(watched)))
    wait_for(lambda: len(monitor.requests) > 0, 90, watched.logs)
    doctor = watched.manage("doctor")
    assert doctor.returncode == 0, doctor.stdout
    for name in QUEUES:
        queue = watched.queue_names(name)
        control(watched, "cancel_consumer", queue)
        wait_for(lambda: not readyz(watched)["worker"]["ok"], 60, lambda: str(readyz(watched)))
        assert f"Nobody reads {queue}" in readyz(watched)["worker"]["detail"]
        assert readers(watched) == {watched.queue_names(one): float(one != name) for one in QUEUES}
        assert f"Nobody reads {queue}" in watched.manage("doctor").stdout
        if name == "portal.deliver":
            # Nobody delivers, and the mail about it arrives, once it is written whole.
            wait_for(lambda: "Nobody reads the queue" in "".join(mails(watched)), 120, watched.logs)
            assert [f"the queue {queue}" in one for one in mails(watched)] == [True]
            asked = len(monitor.requests)
        control(watched, "add_consumer", queue)
        wait_for(lambda: readyz(watched)["worker"]["ok"], 60, lambda: str(readyz(watched)))
    wait_for(lambda: len(monitor.requests) > asked, 90, watched.logs)
    assert watched.beat is not None
    watched.kill(watched.beat)
    wait_for(lambda: not readyz(watched)["beat"]["ok"], 60, lambda: str(readyz(watched)))
    assert "None has shown up lately" in readyz(watched)["beat"]["detail"]
    with psycopg.connect(watched.environment["DATABASE_URL"]) as database:
        assert database.execute("SELECT count(*) FROM exports_outboxmessage WHERE kind = 'mail'").fetchone() == (0,)


def control(portal: Installation, verb: str, queue: str) -> None:
    done = portal.start("celery", "-A", "portal", "control", verb, queue)
    done.wait(60)
