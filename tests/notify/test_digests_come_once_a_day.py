"""A daily digest: one message a day at 8:00 in the team's time zone, if something happened, whoever makes it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from pytest_django.fixtures import Settings

from exports.models import Alert, Event, OutboxMessage, Team
from exports.models.event import EXPORT_FAILED, EXPORT_SUCCEEDED, PROJECT_OVERDUE
from exports.notify import alert_rules, digests
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import deliver_due
from tests.helpers.smtp_inbox import SmtpInbox, text_of
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

PARIS = ZoneInfo("Europe/Paris")
EVENTS = [EXPORT_FAILED, EXPORT_SUCCEEDED, PROJECT_OVERDUE]


@pytest.fixture
def chat(settings: Settings) -> Iterator[StubServer]:
    with run_stub_server() as server:
        server.on("POST /hook", Reply(200, "ok"))
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def alert(cast: Cast, chat: StubServer) -> Alert:
    """A digest for a team in Paris, made on the 9th in the afternoon."""
    Team.objects.filter(pk=cast.team.pk).update(time_zone="Europe/Paris")
    row = factories.alert(cast, address=f"{chat.origin}/hook", events=EVENTS, digest="daily")
    made = datetime(2026, 3, 9, 15, 0, tzinfo=PARIS)
    Alert.objects.filter(pk=row.pk).update(created_at=made, digest_sent_at=made)
    row.refresh_from_db()
    return row


def happen(cast: Cast, at: datetime, type_: str = EXPORT_FAILED) -> None:
    """Something happens then, of which single messages are told already."""
    export = factories.failed_export(cast)
    Event.objects.filter(fanned_out_at=None).delete()
    Event.objects.create(
        team=cast.team, type=type_, key=f"test:{export.pk}", at=at, fanned_out_at=at, export=export,
        project=export.project,
    )  # fmt: skip


def digest_at(year: int, month: int, day: int, hour: int, minute: int) -> int:
    """How many digests the clean-up makes at this time in Paris."""
    with time_machine.travel(datetime(year, month, day, hour, minute, tzinfo=PARIS), tick=False):
        return digests.create_due()


def test_it_comes_at_eight_and_only_once(cast: Cast, alert: Alert) -> None:
    happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS))
    assert digest_at(2026, 3, 10, 7, 59) == 0
    assert digest_at(2026, 3, 10, 8, 3) == 1
    assert [digest_at(2026, 3, 10, hour, 4) for hour in range(8, 24)] == [0] * 16


def test_a_day_without_events_has_none(cast: Cast, alert: Alert) -> None:
    happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS))
    assert digest_at(2026, 3, 10, 8, 3) == 1
    assert digest_at(2026, 3, 11, 8, 3) == 0
    happen(cast, datetime(2026, 3, 11, 8, 0, 1, tzinfo=PARIS))
    assert digest_at(2026, 3, 12, 8, 3) == 1


def test_each_event_is_in_one_digest_over_a_year_with_both_clock_changes(cast: Cast, alert: Alert) -> None:
    at = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)
    Event.objects.bulk_create(
        Event(team=cast.team, type=PROJECT_OVERDUE, key=f"hour:{hour}", at=at + timedelta(hours=hour), fanned_out_at=at)
        for hour in range(0, 365 * 24, 5)
    )
    for day in range(367):
        moment = datetime(2026, 3, 9, 8, 10, tzinfo=PARIS) + timedelta(days=day)
        with time_machine.travel(moment, tick=False):
            digests.create_due()
            digests.create_due()
    rows = OutboxMessage.objects.filter(alert=alert).order_by("pk")
    spans = [(row.payload["since"], row.payload["until"]) for row in rows]
    assert len(spans) == 366
    counted = sum(Event.objects.filter(at__gt=since, at__lte=until).count() for since, until in spans)
    assert counted == Event.objects.count()
    hours = {datetime.fromisoformat(until).astimezone(PARIS).hour for _, until in spans}
    assert hours == {8}


def test_a_process_that_dies_loses_none(cast: Cast, alert: Alert, monkeypatch: pytest.MonkeyPatch) -> None:
    happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS))
    with monkeypatch.context() as patched:
        patched.setattr(OutboxMessage, "save", lambda self: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            digest_at(2026, 3, 10, 8, 3)
    assert digest_at(2026, 3, 10, 8, 20) == 1


def test_it_names_what_happened_the_worst_first(cast: Cast, alert: Alert, chat: StubServer) -> None:
    for type_ in (EXPORT_SUCCEEDED, EXPORT_FAILED, EXPORT_FAILED, PROJECT_OVERDUE):
        happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS), type_)
    digest_at(2026, 3, 10, 8, 3)
    assert deliver_due() == 1
    [asked] = chat.requests
    fields = [one["text"] for block in asked.json["blocks"] for one in block.get("fields", [])]
    assert [text.partition("\n")[0] for text in fields] == ["Failed", "Late", "Succeeded"]
    said = json.dumps(asked.json)
    assert "The Team, the day until 10 Mar 2026" in said
    assert "2 failed, 1 late, 1 succeeded." in said
    assert f"Orders of The {TABLES} one (#" in fields[0]


def test_single_messages_are_not_sent_beside_it(cast: Cast, alert: Alert) -> None:
    factories.failed_export(cast)
    deliver_due()
    assert not OutboxMessage.objects.filter(alert=alert).exists()


def test_a_member_gets_it_as_a_mail(cast: Cast, alert: Alert, postbox: SmtpInbox) -> None:
    mail_alert = factories.alert(cast, "mail", "viewer@example.org", events=EVENTS, digest="daily")
    Alert.objects.filter(pk=mail_alert.pk).update(digest_sent_at=alert.digest_sent_at)
    happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS))
    assert digest_at(2026, 3, 10, 8, 3) == 2
    deliver_due()
    [mail] = postbox.to("viewer@example.org")
    assert mail["Subject"] == "The Team, the day until 10 Mar 2026"
    assert "an alert of The Team names your address" in text_of(mail)


def test_one_that_was_off_tells_nothing_of_that_time(cast: Cast, alert: Alert) -> None:
    happen(cast, datetime(2026, 3, 9, 20, 0, tzinfo=PARIS))
    alert_rules.change_alert(alert, cast.owner.user, enabled=False)
    assert digest_at(2026, 3, 10, 8, 3) == 0
    with time_machine.travel(datetime(2026, 3, 10, 12, 0, tzinfo=PARIS)):
        alert_rules.change_alert(alert, cast.owner.user, enabled=True)
    assert digest_at(2026, 3, 11, 8, 3) == 0
