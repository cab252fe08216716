"""Each event gets its messages once, in the order of the events; what one of them does wrong holds up no other."""

import logging
import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from exports import clock, states
from exports.models import Event, Heartbeat, OutboxMessage, Webhook
from exports.models.event import EXPORT_FAILED, TEAM_QUOTA
from exports.notify import fan_out as fan_outs
from exports.notify.fan_out import fan_out
from exports.queue import dispatcher
from exports.queue.capacity import QUEUES
from exports.queue.dispatcher import FAN_OUT_SECONDS, Message
from tests.helpers import factories
from tests.helpers.cast import Cast, make_cast
from tests.helpers.webhooks import make_webhook

pytestmark = pytest.mark.postgresql


def record(cast: Cast, key: str) -> None:
    Event.record(cast.team.pk, TEAM_QUOTA, key, percent=80)


def keys_with_message() -> list[str]:
    """The keys of the events that have a webhook's message, as they were written."""
    rows = OutboxMessage.objects.filter(kind="webhook").order_by("pk")
    return list(rows.values_list("event__key", flat=True))


def test_a_second_event_with_the_same_key_is_none(cast: Cast) -> None:
    record(cast, "1")
    record(cast, "1")
    assert Event.objects.count() == 1


def test_an_event_is_fanned_out_once(cast: Cast) -> None:
    make_webhook(cast, "https://example.org/")
    record(cast, "1")
    assert (fan_out(), fan_out()) == (1, 0)
    assert keys_with_message() == ["1"]


def test_an_event_from_before_a_webhook_was_added_is_not_told_to_it(cast: Cast) -> None:
    record(cast, "before")
    fan_out()
    make_webhook(cast, "https://example.org/")
    record(cast, "after")
    fan_out()
    assert keys_with_message() == ["after"]


def test_the_database_refuses_a_second_message_of_an_event_for_a_webhook(cast: Cast) -> None:
    make_webhook(cast, "https://example.org/")
    record(cast, "1")
    fan_out()
    Event.objects.update(fanned_out_at=None)
    fan_out()
    assert keys_with_message() == ["1"]


def test_many_events_cost_as_many_statements_as_one(cast: Cast) -> None:
    make_webhook(cast, "https://example.org/")
    record(cast, "first")
    with CaptureQueriesContext(connection) as one:
        fan_out()
    for number in range(50):
        record(cast, str(number))
    with CaptureQueriesContext(connection) as many:
        fan_out()
    # SQLite takes so many parameters that the rows need two statements.
    assert len(many) <= len(one) + 1 <= 9


def test_a_fault_in_one_kind_of_message_is_logged_and_the_others_are_written(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Event) -> list[OutboxMessage]:
        raise ZeroDivisionError

    makers = (broken, *fan_outs._MESSAGES_OF)
    monkeypatch.setattr(fan_outs, "_MESSAGES_OF", makers)
    make_webhook(cast, "https://example.org/")
    record(cast, "1")
    with caplog.at_level(logging.ERROR):
        fan_out()
    assert keys_with_message() == ["1"]
    assert "could not be made" in caplog.text


def test_an_event_that_cannot_be_written_holds_up_no_other(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    make_webhook(cast, "https://example.org/")
    for key in ("1", "bad", "3"):
        record(cast, key)
    real = OutboxMessage.objects.bulk_create

    def refuse(rows: list[OutboxMessage], **more: Any) -> Any:
        if any(row.event.key == "bad" for row in rows):
            raise IntegrityError("no such row")
        return real(rows, **more)

    monkeypatch.setattr(OutboxMessage.objects, "bulk_create", refuse)
    assert fan_out() == 3
    assert keys_with_message() == ["1", "3"]
    assert not Event.objects.filter(fanned_out_at=None).exists()


def test_the_dispatcher_fans_out_and_publishes_in_one_run(cast: Cast) -> None:
    Heartbeat.record("worker:test@host", queues=list(QUEUES), slots=8)
    factories.failed_export(cast)
    published: list[Message] = []
    dispatcher.dispatch(published.extend, fan_out)
    assert published == [], "the event is too young"
    Event.objects.update(at=clock.seconds_from_now(-FAN_OUT_SECONDS))
    dispatcher.dispatch(published.extend, fan_out)
    assert [message.task for message in published] == ["exports.deliver"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes from one process at a time")
def test_another_process_takes_other_events_meanwhile() -> None:
    cast = make_cast()
    make_webhook(cast, "https://example.org/")
    record(cast, "1")
    with transaction.atomic():
        locked = list(fan_outs._waiting())
        record(cast, "2")
        found: list[int] = []

        def run() -> None:
            found.append(fan_out())
            connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join(10)
        assert (len(locked), found) == (1, [0]), "the one is locked, the other not committed"
    assert fan_out() == 2
    assert sorted(keys_with_message()) == ["1", "2"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no INSERT in a WITH")
def test_an_end_with_its_history_and_its_event_is_one_statement() -> None:
    export = factories.processing_export(make_cast())
    with CaptureQueriesContext(connection) as queries:
        moved = export.move(
            states.FAILED, source="poll", error_code="rejected", error_action="you", error_message="No."
        )
    assert moved
    assert len(queries) == 1
    [event] = Event.objects.all()
    assert (event.type, event.export_id, event.data) == (EXPORT_FAILED, export.pk, {})


def test_a_webhook_that_is_deleted_takes_its_messages_along(cast: Cast) -> None:
    webhook, _secret = make_webhook(cast, "https://example.org/")
    record(cast, "1")
    fan_out()
    Webhook.objects.filter(pk=webhook.pk).delete()
    assert not OutboxMessage.objects.exists()
