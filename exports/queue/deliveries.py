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


def any_due() -> bool:
    """Whether anything waits to be sent."""
    return _due(clock.now()).exists()


def reserve(limit: int) -> list[int]:
    """Claims up to `limit` notices for messages that are about to be published. Returns their ids.

    Never two at once to one recipient, and at most EACH_HOST to one host: an address that never answers holds up
    nobody else's. Call it in a transaction that no other dispatcher shares.
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
        for pk, recipient, host in rows.values_list("pk", "recipient", "host")[:MAX_CANDIDATES]:
            if len(chosen) < limit and recipient not in recipients and hosts[host] < MAX_PER_HOST:
                chosen.append(pk)
                recipients.add(recipient)
                hosts[host] += 1
                added += 1
        if not added:
            break
    OutboxMessage.objects.filter(pk__in=chosen).update(held_until=clock.seconds_from_now(LEASE_SECONDS), reserved=True)
    return chosen


def release_reserved(ids: Sequence[int]) -> None:
    """Gives back what no message was published for."""
    if ids:
        OutboxMessage.objects.filter(pk__in=ids, reserved=True).update(held_until=None, reserved=False)


def renew(ids: Sequence[int]) -> None:
    """Keeps the leases of notices that are being sent."""
    rows = OutboxMessage.objects.filter(pk__in=ids, reserved=False, held_until__isnull=False)
    rows.update(held_until=clock.seconds_from_now(LEASE_SECONDS))


def begin(message_id: int) -> OutboxMessage | None:
    """The message, if it is still reserved for the task that asks; its lease must be kept from here on.

    What is not was sent by a second copy of the task message, or its time in the queue ran out.
    """
    now = clock.now()
    mine = OutboxMessage.objects.filter(pk=message_id, reserved=True, held_until__gt=now, due_at__isnull=False)
    until = clock.seconds_from_now(LEASE_SECONDS)
    if not mine.update(reserved=False, held_until=until, attempts=F("attempts") + 1):
        return None
    return OutboxMessage.objects.get(pk=message_id)
