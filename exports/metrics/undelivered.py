"""Mails, alerts and webhooks that did not arrive, over all teams."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q

from exports import clock
from exports.models import OutboxMessage

GIVEN_UP_WITHIN: Final = timedelta(days=7)
WAITING: Final = Q(due_at__isnull=False)
GIVEN_UP: Final = Q(due_at__isnull=True, sent_at__isnull=True)


@dataclass(frozen=True)
class Undelivered:
    """Messages of one kind: waiting to be sent, of them tried before, and given up within GIVEN_UP_WITHIN."""

    kind: str
    waiting: int
    tried: int
    oldest_at: datetime | None
    given_up: int


def undelivered_messages() -> list[Undelivered]:
    """Returns the kinds of which messages wait or were given up, in one query over these alone."""
    lately = GIVEN_UP & Q(created_at__gte=clock.now() - GIVEN_UP_WITHIN)
    rows = (
        OutboxMessage.objects.filter(WAITING | GIVEN_UP)
        .values_list("kind")
        .annotate(
            waiting=Count("pk", filter=WAITING),
            tried=Count("pk", filter=WAITING & Q(attempts__gt=0)),
            oldest_at=Min("created_at", filter=WAITING),
            given_up=Count("pk", filter=lately),
        )
    )
    found = [Undelivered(*row) for row in rows.order_by("kind")]
    return [entry for entry in found if entry.waiting or entry.given_up]
