"""What is really published: a message names a task and says nothing else, on every broker."""

import secrets
from pathlib import Path

import pytest
from kombu import Connection

from exports import tasks
from tests.services.conftest import BROKERS, broker_at

pytestmark = [pytest.mark.services]
# Celery's own; none of them holds a word of ours.
PLAIN = {
    "ignore_result",
    "timelimit",
    "lang",
    "task",
    "id",
    "root_id",
    "parent_id",
    "group",
    "origin",
    "expires",
    "argsrepr",
    "kwargsrepr",
}
EMPTY = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@pytest.mark.parametrize("name", [*BROKERS, "embedded"])
@pytest.mark.parametrize("task", ["work", "tick", "sweep"])
def test_a_message_says_that_there_is_work(name: str, task: str, tmp_path: Path) -> None:
    options = {"folder": str(tmp_path)} if name == "embedded" else {}
    address = "spool://localhost" if name == "embedded" else broker_at(name)
    queue = f"portal-test-{secrets.token_hex(6)}"
    with Connection(address, transport_options=options) as connection:
        getattr(tasks, task).apply_async(connection=connection, queue=queue, retry=False, expires=60)
        if name == "embedded":
            assert all(b"exports.tasks" in path.read_bytes() for path in tmp_path.rglob("*.msg"))
        message = connection.SimpleQueue(queue).get(timeout=5)
        message.ack()
        message.channel.queue_delete(queue)
    assert message.payload == [[], {}, EMPTY]
    said = {name: value for name, value in message.headers.items() if value not in (None, 0, False, "", [], {})}
    assert set(said) <= PLAIN
    assert (said["task"], said["argsrepr"], said["kwargsrepr"]) == (f"exports.tasks.{task}", "()", "{}")
