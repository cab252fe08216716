"""What arrives is a Standard Webhook: verified by the public package, with the API's own shapes inside."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks import WebhookVerificationError

from exports import clock
from exports.models import Event, OutboxMessage, Webhook
from exports.models.event import CREDENTIAL_REFUSED, EXPORT_FAILED, PROJECT_OVERDUE, SCHEDULE_DISABLED, TEAM_QUOTA
from exports.notify import webhook_rules
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import deliver_due
from tests.helpers.schedules import make_schedule
from tests.helpers.stub_server import StubServer
from tests.helpers.webhooks import ROUTE, make_webhook, message_ids, run_receiver, verify

pytestmark = pytest.mark.postgresql


@pytest.fixture
def receiver(settings: Settings) -> Iterator[StubServer]:
    with run_receiver(settings) as stub:
        yield stub


def deliver_all() -> None:
    while deliver_due():
        pass


def test_an_ended_export_arrives_signed(cast: Cast, receiver: StubServer) -> None:
    _webhook, secret = make_webhook(cast, f"{receiver.origin}/events")
    export = factories.succeeded_export(cast)
    deliver_all()

    [request] = receiver.requests_to(ROUTE)
    body = verify(secret, request)
    assert body["type"] == "export.succeeded"
    assert set(body) == {"type", "timestamp", "data"}
    assert body["timestamp"].endswith("Z")
    assert body["data"]["team"] == {"id": cast.team.pk, "slug": "the-team", "name": "The Team"}
    assert body["data"]["export"]["id"] == export.pk
    assert body["data"]["export"]["file"]["sha256"] == export.file.sha256
    assert request.headers["Content-Type"] == "application/json"
    delivery = OutboxMessage.objects.get(kind="webhook")
    assert (delivery.state, delivery.answer_status, delivery.key) == ("sent", 204, message_ids(receiver)[0])


def test_what_another_secret_or_body_signed_is_refused(cast: Cast, receiver: StubServer) -> None:
    _webhook, secret = make_webhook(cast, f"{receiver.origin}/events")
    other, other_secret = make_webhook(cast, f"{receiver.origin}/other")
    factories.failed_export(cast)
    deliver_all()
    [request] = receiver.requests_to(ROUTE)
    with pytest.raises(WebhookVerificationError):
        verify(other_secret, request)
    request.body += b" "
    with pytest.raises(WebhookVerificationError):
        verify(secret, request)
    assert other.pk


def test_after_a_rotation_both_secrets_sign_for_a_day(cast: Cast, receiver: StubServer) -> None:
    webhook, old = make_webhook(cast, f"{receiver.origin}/events", EXPORT_FAILED)
    _row, new = webhook_rules.rotate_secret(webhook, cast.owner.user)
    factories.failed_export(cast)
    deliver_all()
    Webhook.objects.update(previous_secret_until=clock.now() - timedelta(seconds=1))
    factories.failed_export(cast)
    deliver_all()

    both, one = receiver.requests_to(ROUTE)
    assert verify(old, both) == verify(new, both)
    assert verify(new, one)
    with pytest.raises(WebhookVerificationError):
        verify(old, one)


def test_only_chosen_events_of_the_own_team_arrive(cast: Cast, receiver: StubServer) -> None:
    make_webhook(cast, f"{receiver.origin}/events", EXPORT_FAILED)
    factories.succeeded_export(cast)
    Event.record(cast.other_team.pk, EXPORT_FAILED, "theirs")
    deliver_all()
    assert receiver.requests_to(ROUTE) == []


def test_every_event_carries_what_it_is_about(cast: Cast, receiver: StubServer) -> None:
    _webhook, secret = make_webhook(cast, f"{receiver.origin}/events")
    project = cast.project(TABLES)
    schedule = make_schedule(project, cast.member)
    Event.record(cast.team.pk, PROJECT_OVERDUE, "1", project=project, hours=24)
    Event.record(cast.team.pk, SCHEDULE_DISABLED, "2", project=project, schedule_id=schedule.pk, reason="It failed.")
    Event.record(cast.team.pk, CREDENTIAL_REFUSED, "3", credential_id=project.credential_id)
    Event.record(cast.team.pk, TEAM_QUOTA, "4", percent=80)
    deliver_all()

    bodies = [verify(secret, request) for request in receiver.requests_to(ROUTE)]
    overdue, disabled, refused, quota = (body["data"] for body in sorted(bodies, key=lambda body: body["timestamp"]))
    assert (overdue["project"]["id"], overdue["hours"]) == (project.pk, 24)
    assert (disabled["schedule"]["id"], disabled["reason"]) == (schedule.pk, "It failed.")
    assert refused["credential"]["id"] == project.credential_id
    assert "sandbox-key" not in str(refused)
    assert quota["percent"] == 80


def test_a_schedule_that_was_deleted_meanwhile_is_left_out(cast: Cast, receiver: StubServer) -> None:
    _webhook, secret = make_webhook(cast, f"{receiver.origin}/events")
    Event.record(cast.team.pk, SCHEDULE_DISABLED, "1", project=cast.project(TABLES), schedule_id=4711)
    deliver_all()
    [request] = receiver.requests_to(ROUTE)
    assert set(verify(secret, request)["data"]) == {"team", "project"}
