"""Redis is killed and started again: meanwhile nothing new starts and doctor says so, and then work goes on."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from exports.sandbox.server import Sandbox
from tests.helpers.installation import installation, wait_for
from tests.helpers.roles import TABLES
from tests.helpers.servers import skip_or_fail
from tests.helpers.stub_server import free_port

# Long enough for Celery's own pauses between attempts to have grown past what is allowed here.
OUTAGE = 12.0


class Broker:
    """A Redis server of the test's own, which keeps nothing over its death."""

    def __init__(self, program: str, folder: Path) -> None:
        self.command = [program, "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        self.port = free_port()
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        """Returns when it answers. Somebody's connection may have the port for a moment: it is tried again."""
        self._spawn()
        wait_for(self._answers, 60, "Redis")

    def _spawn(self) -> None:
        self.process = subprocess.Popen([*self.command, "--port", str(self.port)], stdout=subprocess.DEVNULL)

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            self._spawn()
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def listeners(self) -> int:
        """How many workers wait for messages."""
        return sum("brpop" in one["cmd"] for one in self.client.client_list())

    def kill(self) -> None:
        """At once, with all that was in it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    program = shutil.which("redis-server")
    if program is None:
        skip_or_fail("redis-server", FileNotFoundError())
        return
    one = Broker(program, tmp_path)
    yield one
    one.kill()


@pytest.mark.slow(seconds=35)
def test_work_goes_on_within_fifteen_seconds_of_its_return(
    broker: Broker, own_sandbox: Sandbox, tmp_path: Path, prepared: Path
) -> None:
    own_sandbox.settings(job_seconds=2)
    address = f"redis://127.0.0.1:{broker.port}/0"
    with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, CELERY_BROKER_URL=address) as portal:
        portal.start_web()
        worker = portal.start_worker()
        wait_for(lambda: broker.listeners() > 0, 60, portal.logs)
        project = portal.project(TABLES, own_sandbox.origin(TABLES), "4001")
        before = portal.ask(project, "orders")
        wait_for(lambda: portal.export(before)["status"] == "processing", 60, portal.logs)

        broker.kill()
        meanwhile = portal.ask(project, "orders", format="xlsx")
        wait_for(lambda: "cannot reach the broker" in portal.manage("doctor").stdout, 60, portal.logs)
        assert portal.export(meanwhile)["status"] == "waiting"
        time.sleep(OUTAGE)
        broker.start()
        back = time.monotonic()
        wait_for(lambda: portal.export(meanwhile)["status"] != "waiting", 60, portal.logs)
        assert time.monotonic() - back < 15
        assert portal.wait_until_ended(before)["status"] == "succeeded"
        assert portal.wait_until_ended(meanwhile)["status"] == "succeeded"
        assert worker.poll() is None, "the same worker all the time"
    assert own_sandbox.jobs(TABLES, "4001") == 2
