"""An alert is posted to its service over HTTP; what it answers decides whether it is tried again, waits or stops."""

import json
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from exports.models import Alert, Event, Export, OutboxMessage
from exports.models.event import EXPORT_FAILED
from exports.notify import alert_rules, alerts
from exports.notify.delivery import NotDeliveredError
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

SECRET = "T0000B1111abcdefghijkl"


@pytest.fixture
def chat(settings: Settings) -> Iterator[StubServer]:
    """A chat service on loopback, reachable as an exception."""
    with run_stub_server() as server:
        server.on(f"POST /hooks/{SECRET}", Reply(200, "ok"))
        server.on("POST /", Reply(200, {"id": "1"}))
        settings.PRIVATE_HOSTS = (server.host,)
        settings.PUBLIC_URL = "https://portal.example.org"
        yield server


@pytest.fixture
def failed(cast: Cast) -> Export:
    return factories.failed_export(cast, "rejected", f"{TABLES.label} said @everyone <!channel> no.")


def message(cast: Cast, chat: StubServer, export: Export, kind: str = "slack") -> OutboxMessage:
    """An outbox message that tells the failure to an alert of this kind."""
    path = "topic?auth=abcdefghijkl" if kind == "ntfy" else f"hooks/{SECRET}"
    alert = factories.alert(cast, kind, f"{chat.origin}/{path}")
    event, _ = Event.objects.get_or_create(
        team=cast.team, type=EXPORT_FAILED, key=f"test:{export.pk}", defaults={"export": export}
    )
    row = alert_rules.new_message(alert, key=EXPORT_FAILED, event=event)
    row.save()
    return row


@pytest.mark.parametrize("kind", ["slack", "teams", "discord", "ntfy"])
def test_a_failure_arrives_with_reason_turn_and_link(cast: Cast, chat: StubServer, failed: Export, kind: str) -> None:
    answer = alerts.send(message(cast, chat, failed, kind))
    [asked] = chat.requests
    said = json.dumps(asked.json, ensure_ascii=False)
    assert answer.status == 200
    assert "failed" in said
    assert f"https://portal.example.org/t/the-team/exports/{failed.pk}/" in said
    assert asked.path == ("/?auth=abcdefghijkl" if kind == "ntfy" else f"/hooks/{SECRET}")


@pytest.mark.parametrize(
    ("reply", "gone", "final", "pause"),
    [
        (Reply(404, "no_service"), True, True, 0),
        (Reply(410, "channel_is_archived"), True, True, 0),
        (Reply(400, "invalid_payload"), False, True, 0),
        (Reply(403, "action_prohibited"), False, False, 0),
        (Reply(429, "slow down", {"Retry-After": "30"}), False, False, 30),
        (Reply(500, "oops"), False, False, 0),
        (Reply(cut=True), False, False, 0),
    ],
)
def test_what_is_answered_decides_what_follows(
    cast: Cast, chat: StubServer, failed: Export, reply: Reply, gone: bool, final: bool, pause: float
) -> None:
    chat.on(f"POST /hooks/{SECRET}", reply)
    with pytest.raises(NotDeliveredError) as caught:
        alerts.send(message(cast, chat, failed))
    problem = caught.value
    assert (problem.gone, problem.final, problem.retry_after) == (gone, final, pause)


@pytest.mark.parametrize("reply", [Reply(500, f"bad hook /hooks/{SECRET}"), Reply(cut=True)])
def test_no_error_repeats_the_address(cast: Cast, chat: StubServer, failed: Export, reply: Reply) -> None:
    chat.on(f"POST /hooks/{SECRET}", reply)
    with pytest.raises(NotDeliveredError) as caught:
        alerts.send(message(cast, chat, failed))
    said = f"{caught.value.text} {caught.value.answer.text}"
    assert not any(SECRET[at : at + 8] in said for at in range(len(SECRET) - 7))


def test_nothing_is_posted_to_a_private_address(
    cast: Cast, chat: StubServer, failed: Export, settings: Settings
) -> None:
    row = message(cast, chat, failed)
    settings.PRIVATE_HOSTS = ()
    with pytest.raises(NotDeliveredError) as caught:
        alerts.send(row)
    assert caught.value.final
    assert chat.requests == []


def test_one_that_was_turned_off_meanwhile_is_not_sent_but_can_be_tested(
    cast: Cast, chat: StubServer, failed: Export
) -> None:
    row = message(cast, chat, failed)
    Alert.objects.update(enabled=False)
    with pytest.raises(NotDeliveredError, match="turned off"):
        alerts.send(row)
    alert = Alert.objects.get()
    alerts.send(alert_rules.send_test(alert, cast.owner.user))
    [asked] = chat.requests
    assert "Test from Export portal" in json.dumps(asked.json)
