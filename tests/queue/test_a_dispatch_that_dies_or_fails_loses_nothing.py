"""The dispatcher is killed between claim and publish, or the broker refuses: everything is due again."""

import threading
from collections.abc import Sequence

import pytest
from django.db import connections

from exports import clock, states
from exports.models import Call, Export, Heartbeat, Reservation
from exports.queue import dispatcher, leases
from exports.queue.capacity import QUEUES
from exports.queue.dispatcher import Message
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export


class KilledError(BaseException):
    """Stands for kill -9 at this line: nothing after it runs, not even what handles errors."""


def add_node(slots: int = 8) -> None:
    """A worker node of every queue."""
    Heartbeat.record("worker:test@host", queues=list(QUEUES), slots=slots)


def kill(messages: Sequence[Message]) -> None:
    raise KilledError


def refuse(messages: Sequence[Message]) -> None:
    raise ConnectionRefusedError


def test_what_was_claimed_and_never_published_is_due_when_the_reservation_ends(cast: Cast) -> None:
    add_node()
    export = request_export(cast.project(TABLES), cast.member, "orders")
    with pytest.raises(KilledError):
        dispatcher.dispatch(kill)
    published: list[Message] = []
    assert dispatcher.dispatch(published.extend) == 0, "reserved for a message that nobody published"
    Export.objects.update(held_until=clock.seconds_from_now(-1))
    Reservation.objects.update(until=clock.seconds_from_now(-1))
    assert dispatcher.dispatch(published.extend) == 1
    export.refresh_from_db()
    assert published[0].args == (export.pk, export.fence)
    assert export.crash_count == 0


def test_what_the_broker_refused_is_due_at_once(cast: Cast) -> None:
    add_node()
    request_export(cast.project(TABLES), cast.member, "orders")
    with pytest.raises(ConnectionRefusedError):
        dispatcher.dispatch(refuse)
    assert not Reservation.objects.exists()
    published: list[Message] = []
    assert dispatcher.dispatch(published.extend) == 1


def test_no_more_is_published_than_there_are_free_slots(cast: Cast) -> None:
    add_node(slots=4)
    for number in range(20):
        request_export(cast.project(TABLES, remote_id=str(5000 + number)), cast.member, "orders")
    published: list[Message] = []
    for _ in range(5):
        dispatcher.dispatch(published.extend)
    assert len(published) == 3, "one slot stays free for portal.control"
    assert sum(message.more_due for message in published) == 1


def test_nothing_is_published_to_a_queue_that_no_node_consumes(cast: Cast) -> None:
    Heartbeat.record("worker:polls@host", queues=["portal.poll", "portal.control"], slots=8)
    export = request_export(cast.project(TABLES), cast.member, "orders")
    assert dispatcher.dispatch(kill) == 0
    export.refresh_from_db()
    assert (export.status, export.fence) == (states.WAITING, 0)


@pytest.mark.django_db(transaction=True)
def test_a_message_that_two_workers_get_at_once_is_run_by_one(cast: Cast, sandbox: Sandbox) -> None:
    add_node()
    export = request_export(cast.project(TABLES, sandbox.origin(TABLES)), cast.member, "orders")
    published: list[Message] = []
    dispatcher.dispatch(published.extend)
    [message] = published
    start = threading.Barrier(2)
    begun: list[int] = []

    def run() -> None:
        start.wait(10)
        for claim in leases.begin([(message.args[0], message.args[1])]):
            begun.append(claim.fence)
            run_step(claim)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(begun) == 1
    assert sandbox.jobs(TABLES, "4001") == 1
    assert Call.objects.filter(export=export, method="POST").count() == 1
