"""What owners do with alerts: create, change, delete, test. Pages and API call these."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Max
from django.utils.crypto import get_random_string

from exports import clock
from exports.audit import log as audit_log
from exports.crypto import CryptoError
from exports.errors import ConflictError, InvalidError
from exports.models import Alert, OutboxMessage, Team, User
from exports.models import outbox as kinds
from exports.models.alert import ALERT_KINDS, DAILY, MAIL, NO_DIGEST
from exports.models.event import EVENT_TYPES, Event
from exports.models.outbox import host_of, recipient_key
from exports.notify.alert_addresses import check_address
from exports.queue import wakeup

MAX_ALERTS: Final = 50
TEST_KEY: Final = "test"


def create_alert(
    team: Team,
    by: User,
    *,
    kind: str,
    address: str,
    events: Collection[str],
    digest: str = NO_DIGEST,
    enabled: bool = True,
) -> Alert:
    """Adds an alert. Raises InvalidError, ConflictError when the team has MAX_ALERTS."""
    values = _checked(team, {"kind": kind, "address": address, "events": events, "digest": digest})
    with transaction.atomic():
        Team.objects.select_for_update().get(pk=team.pk)
        if Alert.objects.filter(team=team).count() >= MAX_ALERTS:
            raise ConflictError(f"A team has at most {MAX_ALERTS} alerts. Delete one first.")
        address = values.pop("address")
        alert = Alert.objects.create(team=team, created_by=by, enabled=enabled, digest_sent_at=clock.now(), **values)
        alert.save_address(address)
        audit_log.record_event(team, by, "added", describe(alert), ", ".join(alert.events))
    return alert


def change_alert(alert: Alert, by: User, **changes: Any) -> Alert:
    """Changes what is given of kind, address, events, digest and enabled. Raises InvalidError, CryptoError.

    Turned on again, it starts afresh: no failures, and a digest of what happens from now on.
    """
    with transaction.atomic():
        row = Alert.objects.select_for_update().select_related("team").get(pk=alert.pk)
        given = {name: value for name, value in changes.items() if value is not None}
        enabled = given.pop("enabled", row.enabled)
        if "kind" in given and "address" not in given and given["kind"] != row.kind:
            given["address"] = row.address()
        values = _checked(row.team, {"kind": row.kind, **given}) if given else {}
        address = values.pop("address", None)
        if (enabled and not row.enabled) or values.get("digest", row.digest) != row.digest:
            row.digest_sent_at = clock.now()
        if (enabled and not row.enabled) or address is not None:
            row.failing_since, row.disabled_reason = None, ""
        for name, value in {**values, "enabled": enabled}.items():
            setattr(row, name, value)
        row.save()
        if address is not None:
            row.save_address(address)
        audit_log.record_event(row.team, by, "changed", describe(row), ", ".join(sorted(changes)))
    return row


def delete_alert(alert: Alert, by: User) -> None:
    """Deletes an alert; what was not sent yet is not sent."""
    with transaction.atomic():
        audit_log.record_event(alert.team_id, by, "deleted", describe(alert))
        alert.delete()


def send_test(alert: Alert, by: User) -> OutboxMessage:
    """Sends a test message soon, also where the alert is turned off. Raises ConflictError while one is on its way."""
    with transaction.atomic():
        Alert.objects.select_for_update().get(pk=alert.pk)
        if OutboxMessage.objects.filter(
            alert=alert, event=None, key__startswith=TEST_KEY, due_at__isnull=False
        ).exists():
            raise ConflictError("A test is on its way already.")
        message = new_message(alert, key=f"{TEST_KEY}-{get_random_string(12)}")
        message.save()
        audit_log.record_event(alert.team_id, by, "tested", describe(alert))
        wakeup.wake_after_commit()
    return message


def new_message(alert: Alert, *, key: str, event: Event | None = None, **payload: Any) -> OutboxMessage:
    """A message to the alert's address that is due now, not saved yet."""
    try:
        host = host_of(alert.address()) if alert.kind != MAIL else kinds.MAIL
    except CryptoError:  # Sending it will say so.
        host = "unreadable"
    return OutboxMessage(
        team_id=alert.team_id,
        export_id=event.export_id if event else None,
        event=event,
        alert=alert,
        kind=kinds.ALERT,
        key=key[:60],
        payload=payload,
        due_at=clock.now(),
        recipient=recipient_key(f"alert {alert.pk}"),
        host=host,
    )


def describe(alert: Alert) -> str:
    """The name of an alert in the activity log."""
    return f"alert {alert.pk}: {alert.kind}"


def _checked(team: Team, values: dict[str, Any]) -> dict[str, Any]:
    """The values as they are stored. Raises InvalidError with all that is wrong."""
    errors: dict[str, list[str]] = {}
    checked = dict(values)
    kind = values["kind"]
    if kind not in ALERT_KINDS:
        errors["kind"] = [f"Choose one of: {', '.join(ALERT_KINDS)}."]
    elif "address" in values:
        try:
            checked["address"] = check_address(team, kind, values["address"])
        except ValueError as problem:
            errors["address"] = [str(problem)]
    if "events" in values:
        checked["events"] = [word for word in EVENT_TYPES if word in values["events"]]
        if problems := event_problems(values["events"]):
            errors["events"] = problems
    if values.get("digest", NO_DIGEST) not in (NO_DIGEST, DAILY):
        errors["digest"] = [f"Choose one of: {NO_DIGEST}, {DAILY}."]
    if errors:
        raise InvalidError(errors)
    return checked


def event_problems(chosen: Collection[str] | Sequence[str]) -> list[str]:
    """What is wrong with a choice of events, as sentences."""
    unknown = sorted({str(word)[:40] for word in chosen if word not in EVENT_TYPES})
    if unknown:
        return [f"There is no event {', '.join(unknown)}. Choose from: {', '.join(EVENT_TYPES)}."]
    return [] if chosen else ["Choose at least one event."]


@dataclass(frozen=True)
class LastMessage:
    """When an alert's address took a message last, and why the latest one was not taken: "" where it was."""

    sent_at: datetime | None = None
    error: str = ""


def last_messages(alerts: Iterable[Alert]) -> dict[int, LastMessage]:
    """What became of the latest messages of these alerts by the alert's id, in two queries."""
    rows = OutboxMessage.objects.filter(alert__in=[alert.pk for alert in alerts])
    by_alert = rows.values("alert").annotate(latest=Max("pk"), sent=Max("sent_at")).order_by()
    found = {row["alert"]: (row["latest"], row["sent"]) for row in by_alert}
    latest = OutboxMessage.objects.filter(pk__in=[pk for pk, _ in found.values()])
    errors = {row.pk: row.last_error for row in latest.only("pk", "last_error")}
    return {alert: LastMessage(sent, errors.get(pk, "")) for alert, (pk, sent) in found.items()}
