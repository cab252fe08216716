"""Celery's options `-l` and `-f` act on the portal's log, in real workers on the embedded broker."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from kombu import Exchange, Queue

import portal.celery  # noqa: F401  makes the spool known to Kombu
from tests.helpers.prepared_portal import copy_prepared
from tests.helpers.processes import Program, environment, wait_until
from tests.portal.logging_task import TASK_NAME

pytestmark = [pytest.mark.slow(seconds=8), pytest.mark.timeout(180)]
CONTROL = Queue("portal.control", Exchange("portal", type="direct"), routing_key="portal.control")
SECRET = "the-secret-part"

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, prepared: Path) -> Iterator[Run]:
    """Runs a worker until it has done the logging task and was stopped; returns what the log holds and stderr."""
    data = tmp_path / "data"
    copy_prepared(prepared, data)
    started: list[Program] = []

    def run(log: Path, *options: str) -> str:
        arguments = ("-m", "celery", "-A", "portal", "worker", "-I", "tests.portal.logging_task", *options)
        program = Program(tmp_path / "output", *arguments, env=environment(DATA_DIR=str(data)))
        started.append(program)
        app = Celery("publisher", broker="spool://localhost", fixups=[], set_as_current=False)
        app.conf.update(broker_transport_options={"folder": str(data / "broker")}, control_exchange="portal")
        app.conf.task_queues = [CONTROL]
        wait_until(lambda: app.control.ping(timeout=1), story=program.output)
        app.send_task(TASK_NAME, (SECRET,), queue=CONTROL.name, ignore_result=True)
        wait_until(lambda: "Not found" in log.read_text(), 30, program.output)
        program.signal(signal.SIGTERM)
        assert program.end() == 0, program.output()
        app.close()
        return log.read_text()

    yield run
    for program in started:
        program.destroy()


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_level_and_a_file_are_obeyed_and_secrets_are_masked(run: Run, tmp_path: Path, pool: str) -> None:
    file = tmp_path / "worker.log"
    logged = run(file, "-P", pool, "-c", "2", "-l", "ERROR", "-f", str(file))
    assert "ERROR exports.tests: Not found: /invitations/***/" in logged
    assert SECRET not in logged
    assert [line for line in logged.splitlines() if " ERROR " not in line] == []
    # Celery's banner goes to standard output, and the log goes to the file alone.
    assert "Not found" not in (tmp_path / "output").read_text()


def test_without_the_options_the_log_goes_to_stderr_at_the_level_of_the_settings(run: Run, tmp_path: Path) -> None:
    logged = run(tmp_path / "output", "-P", "threads", "-c", "2")
    assert "WARNING exports.tests: a warning" in logged
    assert "INFO django: an info line" in logged
    assert "ERROR exports.tests: Not found: /invitations/***/" in logged
    assert SECRET not in logged
