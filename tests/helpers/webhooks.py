"""Webhooks of the team, a receiver on a real socket, and what a receiver checks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pytest_django.fixtures import Settings
from standardwebhooks import Webhook as Verifier

from exports import clock
from exports.models import Event, Export, OutboxMessage, Webhook
from exports.models.event import EVENT_TYPES
from exports.notify import webhook_rules
from exports.notify.webhook_bodies import body_of
from exports.notify.webhooks import new_message
from tests.helpers.cast import Cast
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, run_stub_server

ROUTE = "POST /events"


def make_webhook(cast: Cast, url: str, *events: str) -> tuple[Webhook, str]:
    """A webhook for these events, else for all, and its secret."""
    return webhook_rules.create_webhook(cast.team, cast.owner.user, url=url, events=events or EVENT_TYPES)


def with_deliveries(cast: Cast, export: Export) -> tuple[Webhook, OutboxMessage]:
    """A webhook with a delivery in each state, and the one that has failed."""
    webhook, _secret = make_webhook(cast, "https://hooks.example/exports")
    for number, state in enumerate(("sent", "waiting", "failed")):
        Event.record(cast.team.pk, "export.succeeded", f"sample {number}", export=export)
        event = Event.objects.select_related("team", "project", "export__project__credential").latest("pk")
        message = new_message(webhook, body_of(event), event)
        message.attempts, message.answer_status = number, 500 if number else 204
        message.due_at = clock.seconds_from_now(3600) if state == "waiting" else None
        message.sent_at = clock.now() if state == "sent" else None
        message.last_error, message.answer = ("", "") if state == "sent" else ("The address answered 500.", "no " * 99)
        message.save()
    Event.objects.filter(key__startswith="sample").update(fanned_out_at=clock.now())
    return webhook, message


@contextmanager
def run_receiver(settings: Settings, *replies: Reply) -> Iterator[StubServer]:
    """A receiver that the portal may reach; its address ends in /events."""
    with run_stub_server() as stub:
        stub.on(ROUTE, *(replies or (Reply(204),)))
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, stub.host)
        yield stub


def verify(secret: str, request: ReceivedRequest) -> Any:
    """The body, if the signature is right. Raises WebhookVerificationError."""
    return Verifier(secret).verify(request.body, request.headers)


def message_ids(stub: StubServer) -> list[str]:
    """The header webhook-id of what arrived, in order."""
    return [request.headers["webhook-id"] for request in stub.requests_to(ROUTE)]


def make_deliveries_due() -> None:
    """Leaves out the waiting for the next attempts."""
    OutboxMessage.objects.filter(due_at__isnull=False).update(due_at=clock.now(), held_until=None, reserved=False)
