"""Many events, with redelivered task messages, failing receivers and kills at every point: each message arrives once.

A process that dies between the receiver's answer and our commit sends once more, with the same id. The receivers are a
mail server and HTTP servers on real sockets. `make chaos` has it tell 500 events.
"""

import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Event, Export, OutboxMessage
from exports.models.event import EXPORT_CANCELED
from exports.models.outbox import ALERT, MAIL, WEBHOOK
from exports.notify import outbox
from exports.notify.fan_out import fan_out
from exports.queue import deliveries
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import create_due_exports
from tests.helpers.smtp_inbox import SmtpInbox
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server
from tests.helpers.webhooks import make_webhook, verify

pytestmark = [pytest.mark.slow(seconds=20), pytest.mark.timeout(600)]

EVENTS = int(os.environ.get("CHAOS_EVENTS", "100"))
EXPORT_PAGE = re.compile(r"/t/the-team/exports/(\d+)/")


class Killed(BaseException):
    """The process was killed here. Like KeyboardInterrupt, nothing catches it."""


class Receiver:
    """An HTTP receiver that refuses every twentieth request for a while, and remembers what it has taken."""

    def __init__(self, stub: StubServer, route: str, chance: random.Random) -> None:
        self.taken: list[ReceivedRequest] = []
        self.chance = chance
        stub.on(route, self.answer)

    def answer(self, request: ReceivedRequest) -> Reply:
        if self.chance.random() < 0.05:
            return Reply(503)
        self.taken.append(request)
        return Reply(200)


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubServer]:
    with run_stub_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


def end_exports(cast: Cast) -> list[Export]:
    """So many exports of the member that have just been canceled."""
    exports = create_due_exports(cast.project(TABLES), cast.member, EVENTS, clock.now())
    with transaction.atomic():
        for export in exports:
            export.move(states.CANCELED, source="person")
    return exports


@contextmanager
def killed_at(target: Any, name: str, *, after: bool) -> Iterator[None]:
    """The process dies when it calls this, before it or after it."""
    real = getattr(target, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if after:
            real(*args, **kwargs)
        raise Killed

    with mock.patch.object(target, name, call), suppress(Killed):
        yield


def fan_out_with_kills(chance: random.Random) -> None:
    """Fans out everything; some of the processes that do it die before the messages are committed, or the mark."""
    while Event.objects.filter(fanned_out_at=None).exists():
        with killed_at(OutboxMessage.objects, "bulk_create", after=chance.random() < 0.5):
            fan_out()
        fan_out()


class Storm:
    """Sends what is due as dispatcher and tasks do, and kills processes at random."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.killed_after_answer: set[int] = set()
        self.repeated = 0

    def dispatch(self) -> bool:
        """One dispatch. Returns whether anything is left to be sent."""
        with transaction.atomic():
            reserved = deliveries.reserve(20)
        for message in reserved:
            began = self.run_task(message.pk)
            if began and self.chance.random() < 0.2:
                self.repeated += 1
                assert outbox.deliver(message.pk) == 0, "the broker hands the message over once more"
        # The leases of those that died run out, and the pauses pass.
        OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=clock.now(), held_until=None, reserved=False)
        return OutboxMessage.objects.filter(due_at__isnull=False).exists()

    def run_task(self, pk: int) -> bool:
        """Returns whether the task began; else its message was lost in the queue, or its process died before."""
        fate = self.chance.random()
        if fate < 0.1:
            return False
        if fate < 0.25:
            self.deliver_until_a_kill(pk)
        else:
            outbox.deliver(pk)
        return True

    def deliver_until_a_kill(self, pk: int) -> None:
        """The process dies after the answer to one of the messages that it sends, before that is committed."""
        lives = self.chance.randrange(4)
        real = outbox._record_success

        def record(message: OutboxMessage, answer: Any) -> None:
            nonlocal lives
            lives -= 1
            if lives < 0 and message.pk not in self.killed_after_answer:
                self.killed_after_answer.add(message.pk)
                raise Killed
            real(message, answer)

        with mock.patch.object(outbox, "_record_success", record), suppress(Killed):
            outbox.deliver(pk)


def mail_ids(inbox: SmtpInbox) -> Counter[str]:
    return Counter(str(one["Message-ID"]) for one in inbox.mails)


def test_each_mail_alert_and_webhook_arrives_once(
    cast: Cast, postbox: SmtpInbox, stub: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(20261130)
    # Short tasks: there are more of them to be killed.
    monkeypatch.setattr(outbox, "SECONDS_TOGETHER", 0.1)
    hooks = Receiver(stub, "POST /events", chance)
    slow_hooks = Receiver(stub, "POST /second", chance)
    topic = Receiver(stub, "POST /", chance)
    _first, secret = make_webhook(cast, f"{stub.origin}/events", EXPORT_CANCELED)
    make_webhook(cast, f"{stub.origin}/second", EXPORT_CANCELED)
    factories.alert(cast, "ntfy", f"{stub.origin}/a-topic-nobody-guesses", events=[EXPORT_CANCELED])
    exports = end_exports(cast)
    ids = {export.pk for export in exports}

    fan_out_with_kills(chance)
    assert Counter(OutboxMessage.objects.values_list("kind", flat=True)) == {
        MAIL: EVENTS,
        ALERT: EVENTS,
        WEBHOOK: 2 * EVENTS,
    }
    storm = Storm(chance)
    rounds = 0
    while storm.dispatch():
        rounds += 1
        postbox.refuse = 1 if rounds % 7 == 0 else 0
        assert rounds < 3000

    assert {row.state for row in OutboxMessage.objects.all()} == {"sent"}
    again = Counter(OutboxMessage.objects.filter(pk__in=storm.killed_after_answer).values_list("kind", flat=True))
    assert again.total() > EVENTS // 25
    # Of few events, chance may spare a kind.
    assert EVENTS < 500 or min(again[kind] for kind in (MAIL, ALERT, WEBHOOK)) > 5, "kills met every kind"
    assert storm.repeated > EVENTS // 25

    def expected(kind: str, name: str) -> Counter[Any]:
        rows = OutboxMessage.objects.filter(kind=kind).values_list("pk", name)
        return Counter({value: 1 + (pk in storm.killed_after_answer) for pk, value in rows})

    assert Counter(one.headers["webhook-id"] for one in [*hooks.taken, *slow_hooks.taken]) == expected(WEBHOOK, "key")
    assert {verify(secret, one)["data"]["export"]["id"] for one in hooks.taken} == ids
    alerted = Counter(int(EXPORT_PAGE.findall(json.dumps(one.json))[0]) for one in topic.taken)
    assert alerted == expected(ALERT, "export_id")
    mailed = expected(MAIL, "export_id")
    assert mail_ids(postbox) == {f"<export-{pk}-canceled@portal.example.org>": count for pk, count in mailed.items()}
