"""An attempt that fails is repeated with the same id and body, after the pauses of the contract, up to ten times."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from exports import clock
from exports.models import AuditEntry, OutboxMessage, Webhook
from exports.notify import webhook_rules
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.stub_server import Reply, StubServer
from tests.helpers.webhooks import ROUTE, make_deliveries_due, make_webhook, message_ids, run_receiver, verify

HOUR = 3600
PAUSES = [5, 300, 1800, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[StubServer]:
    with run_receiver(settings, Reply(500, "no")) as stub:
        yield stub


@pytest.fixture
def webhook(cast: Cast, receiver: StubServer) -> Webhook:
    return make_webhook(cast, f"{receiver.origin}/events")[0]


def delivery() -> OutboxMessage:
    return OutboxMessage.objects.get(kind="webhook")


def pause() -> float:
    due_at = delivery().due_at
    assert due_at is not None
    return (due_at - clock.now()).total_seconds()


def test_the_pauses_are_those_of_the_contract_and_then_it_has_failed(
    cast: Cast, webhook: Webhook, receiver: StubServer
) -> None:
    cast.member.user.mail_failure = False
    cast.member.user.save()
    factories.failed_export(cast)
    for expected in PAUSES:
        assert deliver_due() == 0
        assert pause() == pytest.approx(expected, abs=2)
        assert delivery().state == "waiting"
        make_deliveries_due()
    assert deliver_due() == 0
    last = delivery()
    assert (last.state, last.attempts, last.answer_status) == ("failed", 10, 500)
    assert last.last_error == "The address answered 500."
    assert last.answer == "no"
    bodies = {request.body for request in receiver.requests_to(ROUTE)}
    assert len(bodies) == len(set(message_ids(receiver))) == 1
    assert len(receiver.requests) == 10


def test_each_attempt_is_signed_with_its_own_time(cast: Cast, receiver: StubServer) -> None:
    _webhook, secret = make_webhook(cast, f"{receiver.origin}/events")
    receiver.on(ROUTE, Reply(503), Reply(204))
    factories.failed_export(cast)
    deliver_due()
    make_deliveries_due()
    deliver_due()
    first, second = receiver.requests_to(ROUTE)
    assert verify(secret, first) == verify(secret, second)
    assert delivery().state == "sent"


def test_a_receiver_that_asks_for_a_longer_pause_gets_it(cast: Cast, webhook: Webhook, receiver: StubServer) -> None:
    receiver.on(ROUTE, Reply(429, headers={"Retry-After": "120"}))
    factories.failed_export(cast)
    deliver_due()
    assert pause() == pytest.approx(120, abs=2)


def test_410_turns_it_off_and_says_so(cast: Cast, webhook: Webhook, receiver: StubServer) -> None:
    receiver.on(ROUTE, Reply(410))
    factories.failed_export(cast)
    factories.failed_export(cast)
    deliver_due()
    webhook.refresh_from_db()
    assert not webhook.enabled
    assert "410" in webhook.disabled_reason
    assert {row.state for row in OutboxMessage.objects.filter(kind="webhook")} == {"failed"}
    [entry] = AuditEntry.objects.filter(verb="turned off")
    assert entry.actor == "the portal"
    deliver_due()
    assert len(receiver.requests) == 1, "what waited is not sent any more"


def test_five_days_of_nothing_but_failures_turn_it_off(cast: Cast, webhook: Webhook, receiver: StubServer) -> None:
    factories.failed_export(cast)
    deliver_due()
    webhook.refresh_from_db()
    assert webhook.failing_since is not None
    Webhook.objects.update(failing_since=clock.now() - timedelta(days=4, hours=23))
    make_deliveries_due()
    deliver_due()
    webhook.refresh_from_db()
    assert webhook.enabled
    Webhook.objects.update(failing_since=clock.now() - timedelta(days=5, seconds=1))
    make_deliveries_due()
    deliver_due()
    webhook.refresh_from_db()
    assert "five days" in webhook.disabled_reason

    webhook_rules.change_webhook(webhook, cast.owner.user, enabled=True)
    row = Webhook.objects.get()
    assert (row.enabled, row.disabled_reason, row.failing_since) == (True, "", None)


def test_one_success_ends_the_row_of_failures(cast: Cast, webhook: Webhook, receiver: StubServer) -> None:
    receiver.on(ROUTE, Reply(500), Reply(200))
    factories.failed_export(cast)
    deliver_due()
    make_deliveries_due()
    deliver_due()
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_a_webhook_that_is_turned_off_gets_nothing(cast: Cast, webhook: Webhook, receiver: StubServer) -> None:
    factories.failed_export(cast)
    deliver_due()
    webhook_rules.change_webhook(webhook, cast.owner.user, enabled=False)
    factories.failed_export(cast)
    make_deliveries_due()
    deliver_due()
    assert len(receiver.requests) == 1
    assert delivery().state == "failed"
