"""The embedded broker, with real workers and publishers on one folder."""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

import portal.celery  # noqa: F401  makes the spool known to Kombu
from portal import spool
from tests.helpers.processes import Program, environment, wait_until

WORKER = ("-m", "celery", "-A", "tests.portal.spool_celery_app", "--quiet", "worker", "-P", "threads", "-c", "2")
ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def connection(folder: Path) -> Iterator[Connection]:
    with Connection("spool://localhost", transport_options={"folder": str(folder)}) as connection:
        yield connection


@pytest.fixture
def workers(tmp_path: Path, folder: Path) -> Iterator[list[Program]]:
    env = environment(SPOOL=str(folder), DONE=str(tmp_path / "done"))
    programs = [Program(tmp_path / f"{name}.log", *WORKER, *ALONE, "-n", f"{name}@here", env=env) for name in "ab"]
    yield programs
    for program in programs:
        program.destroy()


def publisher(tmp_path: Path, folder: Path, name: str, count: int) -> Program:
    env = environment(SPOOL=str(folder), DONE=str(tmp_path / "done"))
    return Program(tmp_path / f"{name}.log", "-m", "tests.portal.spool_celery_app", name, str(count), env=env)


def done(tmp_path: Path) -> list[str]:
    file = tmp_path / "done"
    return file.read_text().split() if file.exists() else []


def test_a_message_is_delivered_unchanged_and_once(connection: Connection) -> None:
    with connection.SimpleQueue("hints") as queue:
        queue.put({"there is": "work", "ü": [1, None]})
        message = queue.get(timeout=30)
        assert message.payload == {"there is": "work", "ü": [1, None]}
        message.ack()
        with pytest.raises(queue.Empty):
            queue.get(block=False)


def test_messages_are_delivered_in_order(connection: Connection) -> None:
    with connection.SimpleQueue("hints", no_ack=True) as queue:
        for number in range(20):
            queue.put(number)
        assert [queue.get(timeout=30).payload for _ in range(20)] == list(range(20))


def test_a_full_queue_drops_new_messages_and_other_queues_do_not(connection: Connection) -> None:
    with connection.SimpleQueue("hints") as full, connection.SimpleQueue("others") as other:
        for number in range(spool.MAX_MESSAGES + 50):
            full.put(number)
        other.put("still room")
        assert full.qsize() == spool.MAX_MESSAGES
        assert other.qsize() == 1
        assert full.clear() == spool.MAX_MESSAGES
        assert full.qsize() == 0


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"body": 1'])
def test_a_file_that_is_no_message_is_dropped_and_the_next_one_read(
    connection: Connection, folder: Path, rubbish: bytes
) -> None:
    with connection.SimpleQueue("hints") as queue:
        (folder / "hints").mkdir(parents=True, exist_ok=True)
        (folder / "hints" / "0-first.msg").write_bytes(rubbish)
        queue.put("good")
        assert queue.get(timeout=30).payload == "good"
        assert os.listdir(folder / "hints") == []


def test_what_a_killed_publisher_left_is_swept_and_never_read(connection: Connection, folder: Path) -> None:
    (folder / "hints").mkdir(parents=True)
    old, new = folder / "hints" / ".old", folder / "hints" / ".new"
    for draft in (old, new):
        draft.write_text("{}")
    os.utime(old, (time.time() - 3600,) * 2)
    with connection.SimpleQueue("hints") as queue, pytest.raises(queue.Empty):
        queue.get(block=False)
    assert not old.exists()
    assert new.exists()


def test_the_name_of_a_queue_cannot_lead_out_of_the_folder(connection: Connection, folder: Path) -> None:
    with connection.SimpleQueue("../../elsewhere") as queue:
        queue.put("here")
    assert [path.parent for path in folder.rglob("*.msg")] == [folder / "%2e%2e%2f%2e%2e%2felsewhere"]


@pytest.mark.slow(seconds=6)
def test_workers_answer_remote_control_and_send_task_events(
    tmp_path: Path, folder: Path, workers: list[Program]
) -> None:
    app = Celery("control", broker="spool://localhost", fixups=[], set_as_current=False)
    app.conf.update(broker_transport_options={"folder": str(folder)})
    wait_until(lambda: len(app.control.ping(timeout=1) or []) == 2, 30)
    received: list[str] = []

    def note(event: dict[str, Any]) -> None:
        received.append(event["type"])

    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"task-succeeded": note})
        with receiver.consumer_context() as (events, _, _):
            assert publisher(tmp_path, folder, "p", 3).end() == 0
            wait_until(lambda: len(done(tmp_path)) == 3, 20)
            end = time.monotonic() + 20
            while len(received) < 3 and time.monotonic() < end:
                with contextlib.suppress(TimeoutError):
                    events.drain_events(timeout=1)
    assert received == ["task-succeeded"] * 3
    assert sorted(app.control.inspect(timeout=3).active() or {}) == ["a@here", "b@here"]
    app.close()
    assert [worker.process.poll() for worker in workers] == [None, None]


@pytest.mark.slow(seconds=6)
def test_five_publishers_and_two_workers_lose_nothing_and_do_nothing_twice(
    tmp_path: Path, folder: Path, workers: list[Program]
) -> None:
    publishers = [publisher(tmp_path, folder, f"p{number}", 200) for number in range(5)]
    assert [program.end(60) for program in publishers] == [0] * 5
    wait_until(lambda: len(done(tmp_path)) >= 1000, 30, lambda: f"{len(done(tmp_path))} done")
    assert sorted(done(tmp_path)) == sorted(f"p{name}-{number}" for name in range(5) for number in range(200))
    assert [worker.process.poll() for worker in workers] == [None, None]
    for worker in workers:
        worker.process.terminate()
    assert [worker.end(15) for worker in workers] == [0, 0]


@pytest.mark.slow(seconds=6)
def test_workers_survive_when_the_folder_is_emptied_repeatedly(
    tmp_path: Path, folder: Path, workers: list[Program]
) -> None:
    publishers = [publisher(tmp_path, folder, f"p{number}", 300) for number in range(4)]
    while any(program.process.poll() is None for program in publishers):
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02)
    assert [program.process.returncode for program in publishers] == [0] * 4, publishers[0].output()
    assert publisher(tmp_path, folder, "last", 1).end() == 0
    wait_until(lambda: "last-0" in done(tmp_path), 20)
    assert [worker.process.poll() for worker in workers] == [None, None]
    assert len(done(tmp_path)) == len(set(done(tmp_path)))
