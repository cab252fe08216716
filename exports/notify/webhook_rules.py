"""What owners do with webhooks: create, change, rotate the secret, delete, test, send again. Pages and API call it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from exports import clock
from exports.audit import log as audit_log
from exports.credentials.client import address_guard
from exports.errors import ConflictError, InvalidError
from exports.models import OutboxMessage, Team, User, Webhook
from exports.models.event import EVENT_TYPES
from exports.models.outbox import WEBHOOK, host_of, recipient_key
from exports.notify import webhook_bodies
from exports.notify.webhook_signing import new_secret
from exports.notify.webhooks import new_message
from exports.queue import deliveries, wakeup
from exports.transport.errors import AddressError
from exports.transport.open_url import redact_url

MAX_WEBHOOKS: Final = 20
MAX_URL_LENGTH: Final = 2000
# So long the previous secret signs beside a new one; a public contract.
PREVIOUS_SECRET_LASTS: Final = timedelta(hours=24)


def create_webhook(
    team: Team, by: User, *, url: str, events: Sequence[str], enabled: bool = True
) -> tuple[Webhook, str]:
    """Adds a webhook. Returns it with its secret, which is not shown again. Raises InvalidError, ConflictError."""
    values = _checked({"url": url, "events": events})
    secret = new_secret()
    with transaction.atomic():
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if Webhook.objects.filter(team=team).count() >= MAX_WEBHOOKS:
            raise ConflictError(f"A team has at most {MAX_WEBHOOKS} webhooks. Delete one first.")
        webhook = Webhook.objects.create(team=team, created_by=by, enabled=enabled, **values)
        webhook.set_secret(secret)
        webhook.save(update_fields=["encrypted_secret"])
        audit_log.record_event(team, by, "added", describe(webhook), ", ".join(webhook.events))
    return webhook, secret


def change_webhook(webhook: Webhook, by: User, **changes: Any) -> Webhook:
    """Changes what is given of url, events and enabled. Raises InvalidError.

    Turned off, it drops what waits for it. Turned on again, it starts afresh and gets what happens from then on.
    """
    with transaction.atomic():
        row = Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)
        given = {name: value for name, value in changes.items() if value is not None}
        enabled = given.pop("enabled", row.enabled)
        values = _checked(given)
        if "url" in values or (enabled and not row.enabled):
            row.failing_since, row.disabled_reason = None, ""
        if row.enabled and not enabled:
            deliveries.give_up_waiting("The webhook was turned off before this was sent.", webhook=row.pk)
        for name, value in {**values, "enabled": enabled}.items():
            setattr(row, name, value)
        row.save()
        if "url" in values:
            waiting = deliveries_of(row).filter(due_at__isnull=False)
            waiting.update(recipient=recipient_key(row.url), host=host_of(row.url))
        audit_log.record_event(row.team_id, by, "changed", describe(row), ", ".join(sorted(changes)))
    return row


def rotate_secret(webhook: Webhook, by: User) -> tuple[Webhook, str]:
    """Gives it a new secret, which is returned and not shown again; the one before signs as well for 24 hours."""
    secret = new_secret()
    with transaction.atomic():
        row = Webhook.objects.select_for_update(no_key=True).get(pk=webhook.pk)
        row.encrypted_previous_secret = row.encrypted_secret
        row.previous_secret_until = clock.now() + PREVIOUS_SECRET_LASTS
        row.set_secret(secret)
        row.save(update_fields=["encrypted_secret", "encrypted_previous_secret", "previous_secret_until"])
        audit_log.record_event(row.team_id, by, "replaced secrets", describe(row))
    return row, secret


def delete_webhook(webhook: Webhook, by: User) -> None:
    """Deletes a webhook with its deliveries; what was not sent yet is not sent."""
    with transaction.atomic():
        audit_log.record_event(webhook.team_id, by, "deleted", describe(webhook))
        webhook.delete()


def send_test(webhook: Webhook, by: User) -> OutboxMessage:
    """Sends the event `webhook.test` soon, also where it is turned off. Raises ConflictError while one waits."""
    with transaction.atomic():
        row = Webhook.objects.select_for_update(no_key=True).select_related("team").get(pk=webhook.pk)
        if deliveries_of(row).filter(event=None, due_at__isnull=False).exists():
            raise ConflictError("A test is on its way already.")
        message = new_message(row, webhook_bodies.test_body(row.team, row.pk, clock.now()))
        message.save()
        audit_log.record_event(row.team_id, by, "tested", describe(row))
        wakeup.wake_after_commit()
    return message


def redeliver(message: OutboxMessage, by: User) -> OutboxMessage:
    """Sends a delivery again soon, with the same id and body, whether it was taken or not.

    Raises ConflictError where the webhook is turned off. What is being sent just now is not sent a second time.
    """
    with transaction.atomic():
        row = (
            OutboxMessage.objects.select_for_update(no_key=True, of=("self",))
            .select_related("webhook")
            .get(pk=message.pk)
        )
        webhook = row.webhook
        if webhook is None or (not webhook.enabled and row.event_id is not None):
            raise ConflictError("The webhook is turned off. Turn it on, then send this again.")
        if not is_under_way(row):
            row.due_at, row.sent_at, row.held_until, row.reserved = clock.now(), None, None, False
            row.recipient, row.host = recipient_key(webhook.url), host_of(webhook.url)
            row.save(update_fields=["due_at", "sent_at", "held_until", "reserved", "recipient", "host"])
        audit_log.record_event(webhook.team_id, by, "sent again", f"delivery {row.pk} to {describe(webhook)}")
        wakeup.wake_after_commit()
    return row


def is_under_way(message: OutboxMessage, at: datetime | None = None) -> bool:
    """Whether an attempt of it is reserved or running."""
    return message.due_at is not None and message.held_until is not None and message.held_until > (at or clock.now())


def deliveries_of(webhook: Webhook) -> QuerySet[OutboxMessage]:
    """The deliveries of a webhook."""
    return OutboxMessage.objects.filter(webhook=webhook, kind=WEBHOOK)


def not_delivered(rows: QuerySet[OutboxMessage]) -> QuerySet[OutboxMessage]:
    """Those of the deliveries that have failed."""
    return rows.filter(due_at=None, sent_at=None)


def url_for(webhook: Webhook, *, may_manage: bool) -> str:
    """The address as it is shown: to others than owners only its host, since the rest may be a secret."""
    return webhook.url if may_manage else redact_url(webhook.url)


def describe(webhook: Webhook) -> str:
    """The name of a webhook in the activity log. Its address may hold a secret, so only the host is named."""
    return f"webhook {webhook.pk}: {host_of(webhook.url)}"


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored. Raises InvalidError with all that is wrong."""
    errors: dict[str, list[str]] = {}
    checked = dict(values)
    if "url" in values:
        checked["url"] = values["url"].strip()
        if problem := _address_problem(checked["url"]):
            errors["url"] = [problem]
    if "events" in values:
        checked["events"] = [word for word in EVENT_TYPES if word in values["events"]]
        if problem := _events_problem(values["events"]):
            errors["events"] = [problem]
    if errors:
        raise InvalidError(errors)
    return checked


def _address_problem(url: str) -> str:
    """Why the address is refused, as far as its spelling says; names are looked up when something is sent."""
    if len(url) > MAX_URL_LENGTH:
        return f"An address has at most {MAX_URL_LENGTH} characters."
    try:
        address_guard().check(url)
    except AddressError as error:
        return error.message
    return ""


def _events_problem(chosen: Sequence[str]) -> str:
    unknown = sorted({str(word)[:40] for word in chosen if word not in EVENT_TYPES})
    if unknown:
        return f"There is no event {', '.join(unknown)}. Choose from: {', '.join(EVENT_TYPES)}."
    return "" if chosen else "Choose at least one event."
