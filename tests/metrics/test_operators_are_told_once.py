"""The operators get one mail when something keeps the portal from its work, and one when it is over."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django.fixtures import Settings

from exports import clock
from exports.metrics import incidents, operators
from exports.models import Export, Heartbeat, Incident, LastRun, OutboxMessage
from exports.models.incident import DISPATCH
from exports.queue.capacity import DELIVER, QUEUES
from portal.watch import watch_once
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.smtp_inbox import SmtpInbox, run_smtp_inbox, text_of

pytestmark = pytest.mark.django_db
WITHOUT_DELIVER = [queue for queue in QUEUES if queue != DELIVER]


@pytest.fixture
def inbox(settings: Settings) -> Iterator[SmtpInbox]:
    settings.OPERATORS = ("ops@example.org", "night@example.org")
    with run_smtp_inbox(settings) as one:
        yield one


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 3, 12, tzinfo=UTC), tick=True) as one:
        yield one


def live(traveller: time_machine.Traveller, minutes: float, queues: list[str]) -> None:
    """So many minutes pass, with a worker of these queues, and beat looks every ten seconds."""
    for _ in range(round(minutes * 6)):
        traveller.shift(timedelta(seconds=10))
        Heartbeat.record("worker:one@host", queues=queues, slots=4)
        LastRun.record(DISPATCH)
        watch_once()


@pytest.mark.slow(seconds=5)
def test_a_queue_that_nobody_reads_is_one_mail_and_one_when_it_is_read_again(
    inbox: SmtpInbox, traveller: time_machine.Traveller
) -> None:
    live(traveller, 5, list(QUEUES))
    assert inbox.mails == []
    live(traveller, 30, WITHOUT_DELIVER)
    [mail] = inbox.mails
    assert mail["To"] == "ops@example.org, night@example.org"
    assert f"Nobody reads the queue {DELIVER}" in text_of(mail)
    assert OutboxMessage.objects.count() == 0, "it does not go by the queue that nobody reads"
    live(traveller, 30, list(QUEUES))
    [_, over] = inbox.mails
    assert "over" in over["Subject"]
    assert f"Nobody reads the queue {DELIVER}" in text_of(over)


def test_a_restart_of_a_worker_is_no_incident(inbox: SmtpInbox, traveller: time_machine.Traveller) -> None:
    live(traveller, 0.5, [])
    live(traveller, 10, list(QUEUES))
    assert inbox.mails == []


def test_what_begins_together_is_one_mail(inbox: SmtpInbox, traveller: time_machine.Traveller) -> None:
    live(traveller, 5, [])
    [mail] = inbox.mails
    assert text_of(mail).count("Nobody reads the queue") == len(QUEUES)


@pytest.mark.slow(seconds=8)
def test_what_comes_and_goes_floods_nobody(inbox: SmtpInbox, traveller: time_machine.Traveller) -> None:
    for _ in range(24):
        live(traveller, 5, WITHOUT_DELIVER)
        live(traveller, 5, list(QUEUES))
    assert 2 <= len(inbox.mails) <= 8, "four hours of five minutes each"


def test_exports_that_are_due_for_more_than_ten_minutes_are_told(
    inbox: SmtpInbox, cast: Cast, traveller: time_machine.Traveller
) -> None:
    export = factories.waiting_export(cast)
    Export.objects.filter(pk=export.pk).update(next_step_at=clock.now())
    live(traveller, 9, list(QUEUES))
    assert inbox.mails == []
    live(traveller, 4, list(QUEUES))
    [mail] = inbox.mails
    assert "due for more than ten minutes: submit" in text_of(mail)


def test_a_mail_that_is_not_taken_is_sent_later(inbox: SmtpInbox, traveller: time_machine.Traveller) -> None:
    inbox.refuse = 1
    live(traveller, 2, WITHOUT_DELIVER)
    assert inbox.mails == []
    live(traveller, 4, WITHOUT_DELIVER)
    assert len(inbox.mails) == 1


def test_a_process_that_died_while_it_sent_loses_no_mail_and_a_repeated_one_is_known(
    inbox: SmtpInbox, traveller: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(traveller, 2, WITHOUT_DELIVER)
    # As if it had died between sending and writing it down.
    Incident.objects.update(notified_at=None, held_until=clock.seconds_from_now(60))
    live(traveller, 0.5, WITHOUT_DELIVER)
    assert len(inbox.mails) == 1
    live(traveller, 2, WITHOUT_DELIVER)
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 1
    assert len(inbox.mails) == 2


def test_a_second_beat_sends_nothing_twice(inbox: SmtpInbox, traveller: time_machine.Traveller) -> None:
    live(traveller, 0.9, WITHOUT_DELIVER)
    traveller.shift(timedelta(seconds=20))
    incidents.record(incidents.current_incidents())
    one, other = operators._waiting(clock.now(), notified_at=None), operators._waiting(clock.now(), notified_at=None)
    mine, yours = list(one), list(other)
    assert operators._notify(mine, "notified_at", over=False) + operators._notify(yours, "notified_at", over=False) == 1
    assert len(inbox.mails) == 1


def test_nobody_is_told_where_there_are_no_operators(settings: Settings, traveller: time_machine.Traveller) -> None:
    settings.OPERATORS = ()
    live(traveller, 3, [])
    assert operators.mail_operators() == 0
