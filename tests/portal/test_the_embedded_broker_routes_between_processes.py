"""Exchanges of the embedded broker route to the queues that any process has bound, and dead ones are swept."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Exchange, Producer, Queue

import portal.celery  # noqa: F401  makes the spool known to Kombu
from portal import spool, spool_files

BROADCAST = Exchange("all", type="fanout")
EVENTS = Exchange("events", type="topic")
DIRECT = Exchange("work", type="direct")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "broker"


@pytest.fixture
def other_process(folder: Path) -> Iterator[Callable[[], Connection]]:
    """Opens connections that know only what is on the disk, as those of another process do."""
    opened: list[Connection] = []

    def connect() -> Connection:
        spool.Transport.states.clear()
        opened.append(Connection("spool://localhost", transport_options={"folder": str(folder)}))
        opened[-1].connect()
        return opened[-1]

    yield connect
    for connection in opened:
        connection.release()


def declare(connection: Connection, name: str, exchange: Exchange, routing_key: str = "") -> Queue:
    queue = Queue(name, exchange, routing_key=routing_key)(connection.default_channel)
    queue.declare()
    return queue


def publish(connection: Connection, exchange: Exchange, body: Any, routing_key: str = "") -> None:
    Producer(connection.default_channel, exchange, routing_key=routing_key).publish(body, declare=[exchange])


def messages(queue: Queue) -> list[Any]:
    """The contents of all messages in the queue, which is empty afterwards."""
    received = []
    while message := queue.get(no_ack=True):
        received.append(message.payload)
    return received


def test_long_names_of_queues_are_kept_apart(other_process: Callable[[], Connection]) -> None:
    names = [f"{'host.' * 24}{letter}{'.part' * 26}" for letter in "ab"]
    assert all(len(spool_files.encode_name(name).encode()) <= spool_files.MAX_NAME_BYTES for name in names)
    queues = [declare(other_process(), name, DIRECT, name) for name in names]
    publish(other_process(), DIRECT, "for b", names[1])
    assert [messages(queue) for queue in queues] == [[], ["for b"]]


@pytest.mark.parametrize("names", [(".a", "\u02ea"), ("\u00e9a", "\u0e9a"), ("a/b", "a%2fb")])
def test_different_names_are_different_files(names: tuple[str, str]) -> None:
    assert len({spool_files.encode_name(name) for name in names}) == 2


def test_a_fanout_message_reaches_the_queues_of_all_processes(other_process: Callable[[], Connection]) -> None:
    queues = [declare(other_process(), f"{name}.celery.pidbox", BROADCAST) for name in ("one", "two")]
    publish(other_process(), BROADCAST, "ping")
    assert [messages(queue) for queue in queues] == [["ping"], ["ping"]]


def test_a_topic_message_reaches_the_queues_whose_pattern_matches(other_process: Callable[[], Connection]) -> None:
    everything = declare(other_process(), "celeryev.1", EVENTS, "#")
    workers_only = declare(other_process(), "celeryev.2", EVENTS, "worker.*")
    publisher = other_process()
    for routing_key in ("task.received", "worker.online"):
        publish(publisher, EVENTS, routing_key, routing_key)
    assert messages(everything) == ["task.received", "worker.online"]
    assert messages(workers_only) == ["worker.online"]


def test_a_direct_message_is_delivered_once(other_process: Callable[[], Connection]) -> None:
    queues = [declare(other_process(), "submit", DIRECT, "submit") for _ in range(3)]
    publish(other_process(), DIRECT, "export 1", "submit")
    assert [messages(queue) for queue in queues] == [["export 1"], [], []]


def test_an_unbound_queue_gets_nothing(other_process: Callable[[], Connection]) -> None:
    first, second = other_process(), other_process()
    queue = declare(first, "submit", DIRECT, "submit")
    publish(second, DIRECT, "before", "submit")
    queue.unbind_from(DIRECT, "submit")
    for publisher in (first, second):
        publish(publisher, DIRECT, "after", "submit")
    assert messages(queue) == ["before"]


def test_a_deleted_queue_gets_nothing_and_leaves_no_file(other_process: Callable[[], Connection], folder: Path) -> None:
    reader = other_process()
    declare(reader, "a.reply.celery.pidbox", DIRECT, "a").delete()
    for publisher in (reader, other_process()):
        publish(publisher, DIRECT, "too late", "a")
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_unread_private_queues_are_swept_with_their_bindings(
    other_process: Callable[[], Connection], folder: Path
) -> None:
    dead = declare(other_process(), "dead@host.celery.pidbox", BROADCAST)
    reader = other_process()
    live = declare(reader, "live@host.celery.pidbox", BROADCAST)
    shared = declare(other_process(), "submit", BROADCAST)
    long_ago = time.time() - spool.UNREAD_SECONDS - 60
    for queue in (dead, live, shared):
        for path in (folder / spool_files.encode_name(queue.name)).glob("*"):
            os.utime(path, (long_ago, long_ago))
        os.utime(folder / spool_files.encode_name(queue.name), (long_ago, long_ago))
    other_process()
    # Reading it says so, and sweeps the other one.
    transport: Any = reader.transport
    transport.state.refreshed_at.clear()
    assert messages(live) == []
    publish(other_process(), BROADCAST, "ping")
    assert [messages(queue) for queue in (live, shared)] == [["ping"], ["ping"]]
    assert not (folder / spool_files.encode_name(dead.name)).exists()
    assert len(list((folder / spool.BINDINGS / BROADCAST.name).iterdir())) == 2


def test_a_queue_that_is_filled_and_never_read_is_swept_too(
    other_process: Callable[[], Connection], folder: Path
) -> None:
    (folder / "celeryev%2edead").mkdir(parents=True)
    (folder / "celeryev%2edead" / "1-a.msg").write_text("{}")
    long_ago = time.time() - spool.UNREAD_SECONDS - 60
    os.utime(folder / "celeryev%2edead", (long_ago, long_ago))
    declare(other_process(), "submit", DIRECT, "submit")
    assert not (folder / "celeryev%2edead").exists()


def test_bindings_outlive_a_folder_that_is_deleted(other_process: Callable[[], Connection], folder: Path) -> None:
    worker, publisher = other_process(), other_process()
    submit = declare(worker, "submit", DIRECT, "submit")
    declare(publisher, "submit", DIRECT, "submit")
    control = declare(worker, "worker.celery.pidbox", BROADCAST)
    shutil.rmtree(folder)
    publish(publisher, DIRECT, "export 1", "submit")
    assert messages(submit) == ["export 1"]
    # The worker alone knows of its own queue: it binds it again when it reads it.
    assert messages(control) == []
    publish(publisher, BROADCAST, "ping")
    assert messages(control) == ["ping"]


def test_bindings_are_read_again_only_when_they_have_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []
    parse = spool_files._parse

    def count(path: Path) -> spool_files.Binding:
        reads.append(path.name)
        return parse(path)

    monkeypatch.setattr(spool_files, "_parse", count)
    reader, writer = spool_files.BindingFiles(folder), spool_files.BindingFiles(folder)
    writer.add("all", ("", "", "one"))
    # Changed just now: another change may leave the same time, so nothing is taken for unchanged yet.
    for _ in range(2):
        assert reader.table("all") == [("", "", "one")]
    assert len(reads) == 2
    an_hour_ago = time.time() - 3600
    os.utime(folder / "all", (an_hour_ago, an_hour_ago))
    for _ in range(5):
        assert reader.table("all") == [("", "", "one")]
    assert len(reads) == 3
    writer.add("all", ("", "", "two"))
    assert sorted(reader.table("all")) == [("", "", "one"), ("", "", "two")]
    writer.remove_queues(lambda queue: queue == "one")
    assert reader.table("all") == [("", "", "two")]


@pytest.mark.parametrize("content", ["", "{}", "[1, 2, 3]", '["a"]', "\x00"])
def test_a_file_that_is_no_binding_is_ignored(folder: Path, content: str) -> None:
    bindings = spool_files.BindingFiles(folder)
    bindings.add("all", ("", "", "one"))
    (folder / "all" / "0.json").write_text(content)
    assert bindings.table("all") == [("", "", "one")]
    bindings.remove_queues(lambda queue: queue == "one")
    assert bindings.table("all") == []
