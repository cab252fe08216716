"""Leases of outbox messages: which may be sent next, never two at once to one recipient."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from exports import clock
from exports.models import OutboxMessage

MAX_PER_HOST: Final = 4
MAX_CANDIDATES: Final = 100
LEASE_SECONDS: Final = 10.0
# How long messages that have ended are shown: what was sent, and what was answered.
KEPT: Final = timedelta(days=30)
MAX_DELETED: Final = 5000


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    idle = Q(held_until__isnull=True) | Q(held_until__lte=now)
    return OutboxMessage.objects.filter(idle, due_at__lte=now).order_by("due_at")


@dataclass(frozen=True)
class ReservedMessage:
    """An outbox message that is reserved for a task message which is about to be published."""

    pk: int
    team_id: int
    project_id: int | None


# Where nothing but failures came lately.
_FAILING: Final = Q(webhook__failing_since__isnull=False) | Q(alert__failing_since__isnull=False)


def reserve(limit: int, busy_teams: Collection[int] = (), max_failing: int = MAX_CANDIDATES) -> list[ReservedMessage]:
    """Claims up to `limit` due outbox messages for tasks that are about to be published, none of `busy_teams`.

    Never two at once for one recipient, and at most MAX_PER_HOST for one host, so that an address that never answers
    delays no others; for all addresses that fail at most `max_failing`. Call it in a transaction in which no other
    dispatcher runs.
    """
    now = clock.now()
    under_way = OutboxMessage.objects.filter(held_until__gt=now, due_at__isnull=False).annotate(failing=_FAILING)
    busy = list(under_way.values_list("recipient", "host", "failing"))
    recipients = {row[0] for row in busy}
    hosts = Counter(row[1] for row in busy)
    failing_left = max_failing - sum(row[2] for row in busy)
    chosen: list[ReservedMessage] = []
    while len(chosen) < limit:
        full = [host for host, number in hosts.items() if number >= MAX_PER_HOST]
        rows = (
            _due(now)
            .exclude(pk__in=[message.pk for message in chosen])
            .exclude(host__in=full)
            .exclude(recipient__in=recipients)
            .annotate(failing=_FAILING, of_team=Coalesce("team_id", "export__team_id"))
        )
        if busy_teams:
            rows = rows.exclude(of_team__in=busy_teams)
        if failing_left < 1:
            rows = rows.filter(failing=False)
        added = 0
        names = ("pk", "recipient", "host", "of_team", "export__project_id", "failing")
        candidates = list(rows.values_list(*names)[:MAX_CANDIDATES])
        for pk, recipient, host, team_id, project_id, failing in candidates:
            if len(chosen) >= limit or recipient in recipients or hosts[host] >= MAX_PER_HOST:
                continue
            if failing and failing_left < 1:
                continue
            chosen.append(ReservedMessage(pk, team_id, project_id))
            recipients.add(recipient)
            hosts[host] += 1
            failing_left -= failing
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
    reserved = OutboxMessage.objects.filter(reserved=True, held_until__gt=clock.now(), due_at__isnull=False)
    return _with_team(OutboxMessage.objects.get(pk=message_id)) if _lease(reserved.filter(pk=message_id)) else None


def begin_next(message: OutboxMessage) -> OutboxMessage | None:
    """Leases the message that is due next for the same recipient, or returns None.

    Call it while `message` is still leased: then no other process sends anything to this recipient meanwhile.
    """
    due = _due(clock.now()).filter(recipient=message.recipient).exclude(pk=message.pk)
    following = due.first() if message.recipient else None
    if following is None or not _lease(due.order_by().filter(pk=following.pk, attempts=following.attempts)):
        return None
    following.attempts += 1
    return _with_team(following)


def _with_team(message: OutboxMessage) -> OutboxMessage:
    """The message with the team that its writer did not know of."""
    if message.team_id is None and message.export:
        message.team_id = message.export.team_id
    return message


def _lease(rows: QuerySet[OutboxMessage]) -> bool:
    """Leases a row if it is still among these."""
    until = clock.seconds_from_now(LEASE_SECONDS)
    return bool(rows.update(reserved=False, held_until=until, attempts=F("attempts") + 1))


def give_up_waiting(reason: str, **recipient: int) -> None:
    """Gives up what waits for a recipient, like `webhook=7`. What is being sent meanwhile is not called back."""
    OutboxMessage.objects.filter(due_at__isnull=False, **recipient).update(due_at=None, last_error=reason[:300])


def delete_ended() -> int:
    """Deletes messages that ended and are older than KEPT, from the oldest on. Returns how many.

    It reads MAX_DELETED rows at most: the ids grow with the time, so nothing is searched for.
    """
    before = clock.now() - KEPT
    oldest = OutboxMessage.objects.order_by("pk")
    first = oldest.first()
    if first is None or first.created_at >= before:
        return 0
    rows = oldest.values_list("pk", "created_at", "due_at")[:MAX_DELETED]
    ids = [pk for pk, created_at, due_at in rows if created_at < before and due_at is None]
    return OutboxMessage.objects.filter(pk__in=ids).delete()[0]
