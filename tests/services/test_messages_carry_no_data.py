"""What is really published: a message names a task and ids, and says nothing else, on every broker."""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue

from exports import tasks
from tests.helpers.servers import BROKERS, broker_at

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
    "stamps",
    "more_due",
}
EMPTY = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@pytest.mark.parametrize("name", [*BROKERS, "embedded"])
@pytest.mark.parametrize(
    ("task", "args"),
    [
        ("dispatch", ()),
        ("submit", (7, 3)),
        ("poll", ([(7, 3), (8, 1)],)),
        ("fetch", (7, 4)),
        ("deliver", (9,)),
        ("sweep", ()),
        ("nightly", ()),
        ("verify_files", ()),
    ],
)
def test_a_message_names_ids_and_nothing_else(name: str, task: str, args: tuple[Any, ...], tmp_path: Path) -> None:
    options = {"folder": str(tmp_path)} if name == "embedded" else {}
    address = "spool://localhost" if name == "embedded" else broker_at(name)
    queue = f"portal-test-{secrets.token_hex(6)}"
    with Connection(address, transport_options=options) as connection:
        getattr(tasks, task).apply_async(
            args=args, connection=connection, queue=Queue(queue, Exchange(""), queue), retry=False, expires=60
        )
        message = connection.SimpleQueue(queue).get(timeout=5)
        message.ack()
        message.channel.queue_delete(queue)
    assert message.payload == [json.loads(json.dumps(list(args))), {}, EMPTY]
    headers = {name: value for name, value in message.headers.items() if value not in (None, 0, False, "", [], {})}
    assert set(headers) <= PLAIN
    assert headers["task"] == f"exports.{task}"
