"""Webhooks that fail, each perhaps after fifteen seconds of silence, leave most slots to messages that arrive."""

from datetime import timedelta

import pytest

from exports import clock
from exports.models import Heartbeat, OutboxMessage, Webhook
from exports.queue import deliveries, dispatcher
from exports.queue.capacity import DELIVER, QUEUES
from exports.queue.dispatcher import Message
from tests.helpers.cast import Cast

pytestmark = pytest.mark.postgresql
SLOTS = 9  # one is for portal.control, so that a third of the rest is two


def message(cast: Cast, number: int, webhook: Webhook | None = None) -> OutboxMessage:
    return OutboxMessage.objects.create(
        team=cast.team if webhook else cast.other_team,
        webhook=webhook,
        kind="webhook" if webhook else "mail",
        key=str(number),
        due_at=clock.seconds_from_now(-60 if webhook else -1),
        recipient=f"{bool(webhook)} {number}",
        host=f"{number}.example.org",
    )


def dispatched() -> set[int]:
    published: list[Message] = []
    dispatcher.dispatch(published.extend)
    assert {one.queue for one in published} <= {DELIVER}
    return {one.args[0] for one in published}


def test_what_fails_takes_two_of_eight_slots(cast: Cast) -> None:
    Heartbeat.record("worker:test@host", queues=list(QUEUES), slots=SLOTS)
    failing = [
        message(cast, number, Webhook.objects.create(team=cast.team, url="x", failing_since=clock.now()))
        for number in range(150)
    ]
    good = [message(cast, number) for number in range(4)]
    chosen = dispatched()
    assert {one.pk for one in good} <= chosen
    assert len(chosen & {one.pk for one in failing}) == 2
    assert dispatched() == set(), "while they are under way no more of them begin"


def test_the_next_for_a_recipient_follows_in_the_same_task(cast: Cast) -> None:
    rows = [message(cast, number) for number in range(3)]
    OutboxMessage.objects.update(recipient="one", host="mail")
    [reserved] = deliveries.reserve(10)
    first = deliveries.begin(reserved.pk)
    assert first is not None
    second = deliveries.begin_next(first)
    assert second is not None
    assert second.attempts == 1
    assert deliveries.reserve(10) == [], "the recipient is never free in between"
    third = deliveries.begin_next(second)
    assert third is not None
    assert {first.pk, second.pk, third.pk} == {row.pk for row in rows}
    assert deliveries.begin_next(third) is None
    held = OutboxMessage.objects.filter(held_until__gt=clock.now() + timedelta(seconds=5), reserved=False)
    assert held.count() == 3
