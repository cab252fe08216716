"""Leases of outbox messages: which may be sent next, never two at once to one recipient."""

from collections import Counter
from collections.abc import Sequence
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


def reserve(limit: int) -> list[int]:
    """Claims up to `limit` due outbox messages for tasks that are about to be published. Returns their ids.

    Never two at once for one recipient, and at most MAX_PER_HOST for one host, so that an address that never answers
    delays no others. Call it in a transaction in which no other dispatcher runs.
    """
    now = clock.now()
    busy = OutboxMessage.objects.filter(held_until__gt=now, due_at__isnull=False).values_list("recipient", "host")
    recipients = {row[0] for row in busy}
    hosts = Counter(row[1] for row in busy)
    chosen: list[int] = []
    while len(chosen) < limit:
        full = [host for host, number in hosts.items() if number >= MAX_PER_HOST]
        rows = _due(now).exclude(pk__in=chosen).exclude(host__in=full).exclude(recipient__in=recipients)
        added = 0
        candidates = list(rows.values_list("pk", "recipient", "host")[:MAX_CANDIDATES])
        for pk, recipient, host in candidates:
            if len(chosen) < limit and recipient not in recipients and hosts[host] < MAX_PER_HOST:
                chosen.append(pk)
                recipients.add(recipient)
                hosts[host] += 1
                added += 1
        if not added or len(candidates) < MAX_CANDIDATES:
            break
    OutboxMessage.objects.filter(pk__in=chosen).update(held_until=clock.seconds_from_now(LEASE_SECONDS), reserved=True)
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
