"""Leases of outbox messages: which may be sent next, never two at once to one recipient."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import F, Q, QuerySet

from exports import clock
from exports.models import OutboxMessage

MAX_PER_HOST: Final = 4
MAX_CANDIDATES: Final = 100
LEASE_SECONDS: Final = 10.0


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    idle = Q(held_until__isnull=True) | Q(held_until__lte=now)
    return OutboxMessage.objects.filter(idle, due_at__lte=now).order_by("due_at")


@dataclass(frozen=True)
class ReservedMessage:
    """An outbox message that is reserved for a task message which is about to be published."""

    pk: int
    team_id: int
    project_id: int


def reserve(limit: int, busy_teams: Collection[int] = ()) -> list[ReservedMessage]:
    """Claims up to `limit` due outbox messages for tasks that are about to be published, none of `busy_teams`.

    Never two at once for one recipient, and at most MAX_PER_HOST for one host, so that an address that never answers
    delays no others. Call it in a transaction in which no other dispatcher runs.
    """
    now = clock.now()
    busy = OutboxMessage.objects.filter(held_until__gt=now, due_at__isnull=False).values_list("recipient", "host")
    recipients = {row[0] for row in busy}
    hosts = Counter(row[1] for row in busy)
    chosen: list[ReservedMessage] = []
    while len(chosen) < limit:
        full = [host for host, number in hosts.items() if number >= MAX_PER_HOST]
        rows = (
            _due(now)
            .exclude(pk__in=[message.pk for message in chosen])
            .exclude(host__in=full)
            .exclude(recipient__in=recipients)
        )
        if busy_teams:
            rows = rows.exclude(export__team_id__in=busy_teams)
        added = 0
        names = ("pk", "recipient", "host", "export__team_id", "export__project_id")
        candidates = list(rows.values_list(*names)[:MAX_CANDIDATES])
        for pk, recipient, host, team_id, project_id in candidates:
            if len(chosen) < limit and recipient not in recipients and hosts[host] < MAX_PER_HOST:
                chosen.append(ReservedMessage(pk, team_id, project_id))
                recipients.add(recipient)
                hosts[host] += 1
                added += 1
        if not added or len(candidates) < MAX_CANDIDATES:
            break
    reserved = OutboxMessage.objects.filter(pk__in=[message.pk for message in chosen])
    reserved.update(held_until=clock.seconds_from_now(LEASE_SECONDS), reserved=True)
    return chosen


def release_reserved(ids: Sequence[int]) -> None:
    """Releases outbox messages for which no task was published."""
    if ids:
        OutboxMessage.objects.filter(pk__in=ids, reserved=True).update(held_until=None, reserved=False)


def renew(ids: Sequence[int]) -> None:
    """Renews the leases of outbox messages that are being sent, to LEASE_SECONDS."""
    rows = OutboxMessage.objects.filter(pk__in=ids, reserved=False, held_until__isnull=False)
    rows.update(held_until=clock.seconds_from_now(LEASE_SECONDS))


def begin(message_id: int) -> OutboxMessage | None:
    """Turns the reservation of an outbox message into a lease, which the process must renew, and returns the message.

    None when it is no longer reserved: another copy of the task began it, or the reservation ran out in the queue.
    """
    now = clock.now()
    reserved_row = OutboxMessage.objects.filter(pk=message_id, reserved=True, held_until__gt=now, due_at__isnull=False)
    until = clock.seconds_from_now(LEASE_SECONDS)
    if not reserved_row.update(reserved=False, held_until=until, attempts=F("attempts") + 1):
        return None
    return OutboxMessage.objects.get(pk=message_id)
