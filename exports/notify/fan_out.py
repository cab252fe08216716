"""Fans events out: a message in the outbox for each mail, alert and webhook that is to tell an event."""

import logging
from collections.abc import Callable
from typing import Final

from django.db import DataError, IntegrityError, transaction
from django.db import Error as DatabaseError
from django.db.models import Prefetch, QuerySet

from exports import clock
from exports.models import Event, Member, OutboxMessage
from exports.notify import alerts, mails, webhooks

log = logging.getLogger(__name__)

MAX_EVENTS: Final = 100
_MESSAGES_OF: Final[tuple[Callable[[Event], list[OutboxMessage]], ...]] = (
    mails.messages_of,
    alerts.messages_of,
    webhooks.messages_of,
)


def fan_out() -> int:
    """Writes the messages of up to MAX_EVENTS events that have none yet. Returns how many events that were.

    Each event is fanned out once: its messages and the mark are written in one transaction, other processes skip its
    row meanwhile, and the database refuses a second message of an event for one recipient.
    """
    try:
        return _fan_out(_waiting()[:MAX_EVENTS])
    except (DataError, IntegrityError) as error:
        log.warning("Events could not be fanned out together (%s).", type(error).__name__)
    ids = list(Event.objects.filter(fanned_out_at=None).order_by("pk").values_list("pk", flat=True)[:MAX_EVENTS])
    return sum(_fan_out_alone(pk) for pk in ids)


def _fan_out_alone(pk: int) -> int:
    """Fans out one event, twice at most: a webhook that was deleted meanwhile is gone at the second try."""
    for _ in range(2):
        try:
            return _fan_out(_waiting().filter(pk=pk))
        except (DataError, IntegrityError):
            log.exception("Event %s could not be fanned out.", pk)
    # It would hold up all that come after it.
    return Event.objects.filter(pk=pk, fanned_out_at=None).update(fanned_out_at=clock.now())


@transaction.atomic
def _fan_out(rows: QuerySet[Event]) -> int:
    events = list(rows)
    if not events:
        return 0
    messages = [message for event in events for messages_of in _MESSAGES_OF for message in _make(messages_of, event)]
    OutboxMessage.objects.bulk_create(messages, ignore_conflicts=True)
    Event.objects.filter(pk__in=[event.pk for event in events]).update(fanned_out_at=clock.now())
    return len(events)


def _waiting() -> QuerySet[Event]:
    """The events to fan out, oldest first, locked, with all that their messages are made of."""
    rows = Event.objects.filter(fanned_out_at=None).order_by("pk").select_for_update(skip_locked=True, of=("self",))
    rows = rows.select_related(
        "team", "project__credential", "export__team", "export__user", "export__file", "export__project__credential"
    )
    members = Prefetch("team__member_set", Member.objects.select_related("user"))
    return rows.prefetch_related("team__webhook_set", "team__alert_set", members)


def _make(messages_of: Callable[[Event], list[OutboxMessage]], event: Event) -> list[OutboxMessage]:
    """The messages of one kind. A fault in making them is logged, and holds up no others."""
    try:
        return messages_of(event)
    except DatabaseError:
        raise
    except Exception:
        log.exception("The messages of event %s could not be made by %s.", event.pk, messages_of.__module__)
        return []
