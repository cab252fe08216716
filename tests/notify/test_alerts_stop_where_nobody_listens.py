"""From the event to the service: each alert is told once; one whose address is gone stops and says so."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.fixtures import Settings

from exports import clock
from exports.models import Alert, Member, OutboxMessage
from exports.models.event import EXPORT_FAILED
from exports.notify import outbox
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.smtp_inbox import SmtpInbox
from tests.helpers.stub_server import Reply, StubServer, run_stub_server


@pytest.fixture
def chat(settings: Settings) -> Iterator[StubServer]:
    with run_stub_server() as server:
        server.on("POST /hook", Reply(200, "ok"))
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def alert(cast: Cast, chat: StubServer) -> Alert:
    return factories.alert(cast, address=f"{chat.origin}/hook")


def make_due() -> None:
    OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=clock.now(), held_until=None)


def deliver_all() -> None:
    """Sends what is due until nothing is, one to a recipient at a time."""
    while deliver_due():
        pass


def test_each_failure_is_told_once(cast: Cast, alert: Alert, chat: StubServer) -> None:
    for _ in range(5):
        factories.failed_export(cast)
    factories.succeeded_export(cast)
    deliver_all()
    deliver_all()
    assert len(chat.requests_to("POST /hook")) == 5


def test_another_teams_alert_hears_of_nothing(cast: Cast, alert: Alert, chat: StubServer) -> None:
    Alert.objects.filter(pk=alert.pk).update(team=cast.other_team)
    factories.failed_export(cast)
    deliver_all()
    assert chat.requests == []


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_stops_the_alert_with_a_reason(
    cast: Cast, alert: Alert, chat: StubServer, as_owner: Client, status: int
) -> None:
    chat.on("POST /hook", Reply(status, "no_service"))
    factories.failed_export(cast)
    factories.failed_export(cast)
    deliver_all()
    deliver_all()
    alert.refresh_from_db()
    reason = f"The address leads nowhere any more; it answered {status}: no_service"
    assert (alert.enabled, alert.disabled_reason) == (False, reason)
    assert len(chat.requests_to("POST /hook")) == 1
    page = as_owner.get("/t/the-team/settings/alerts/").content.decode()
    assert reason in page
    assert "Turn on" in page


def test_a_service_that_fails_is_asked_again_with_growing_pauses_and_stops_after_five_days(
    cast: Cast, alert: Alert, chat: StubServer
) -> None:
    chat.on("POST /hook", Reply(503, "down"))
    factories.failed_export(cast)
    pauses = []
    for _ in range(5):
        deliver_due()
        due_at = OutboxMessage.objects.get(alert=alert).due_at
        assert due_at is not None
        pauses.append((due_at - clock.now()).total_seconds())
        make_due()
    assert pauses[0] < 10 < pauses[4]
    alert.refresh_from_db()
    assert alert.enabled
    assert alert.failing_since is not None
    Alert.objects.update(failing_since=clock.now() - timedelta(days=5, minutes=1))
    deliver_due()
    alert = Alert.objects.get()
    assert not alert.enabled
    assert "five days" in alert.disabled_reason


def test_a_service_that_is_back_is_told_and_counts_as_working(cast: Cast, alert: Alert, chat: StubServer) -> None:
    chat.on("POST /hook", Reply(429, "slow", {"Retry-After": "1800"}), Reply(200, "ok"))
    factories.failed_export(cast)
    deliver_due()
    row = OutboxMessage.objects.get(alert=alert)
    assert row.due_at is not None
    assert 1700 < (row.due_at - clock.now()).total_seconds() <= 1800
    make_due()
    assert deliver_due() >= 1
    alert.refresh_from_db()
    assert (alert.failing_since, alert.enabled) == (None, True)


def test_after_a_kill_between_answer_and_commit_it_comes_at_most_once_more(
    cast: Cast, alert: Alert, chat: StubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    Member.objects.update(mail_scope="none")
    factories.failed_export(cast)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_record", lambda *args, **more: (_ for _ in ()).throw(OperationalError))
        with pytest.raises(OperationalError):
            deliver_due()
    make_due()
    deliver_all()
    deliver_all()
    one, two = chat.requests_to("POST /hook")
    assert one.body == two.body


def test_a_member_who_left_stops_the_alert_to_them(cast: Cast, postbox: SmtpInbox) -> None:
    alert = factories.alert(cast, "mail", "viewer@example.org")
    factories.failed_export(cast)
    deliver_all()
    assert len(postbox.to("viewer@example.org")) == 1
    Member.objects.filter(pk=cast.viewer.pk).delete()
    factories.failed_export(cast)
    deliver_all()
    alert.refresh_from_db()
    assert (alert.enabled, alert.disabled_reason) == (False, "Its address is no member's any more.")
    assert len(postbox.to("viewer@example.org")) == 1


def test_nobody_gets_the_same_mail_twice(cast: Cast, postbox: SmtpInbox) -> None:
    factories.alert(cast, "mail", "member@example.org", events=[EXPORT_FAILED])
    factories.failed_export(cast)
    deliver_all()
    assert len(postbox.to("member@example.org")) == 1
