"""Deletes rows that have expired, the oldest first, in batches: no index by time is needed, and no long transaction."""

import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from exports import clock
from exports.models import Call, Event, IdempotencyKey, ScheduleRun

AT_ONCE: Final = 5_000
# The sweep comes every minute. A day of 400 calls a second is 24,000 rows a minute, of which this takes many more.
SECONDS: Final = 5.0
# What became of planned times.
SCHEDULE_RUNS_KEPT: Final = timedelta(days=366)
# A request that is repeated later is a new one.
IDEMPOTENCY_KEYS_KEPT: Final = timedelta(days=30)
# Messages that tell events are kept for thirty days after their beginning; those that still wait keep their event.
EVENTS_KEPT: Final = timedelta(days=60)


def delete_expired() -> None:
    """Deletes calls, events, idempotency keys and planned times past their time."""
    now = clock.now()
    delete_old_calls()
    _delete_oldest(ScheduleRun.objects.all(), "at", now - SCHEDULE_RUNS_KEPT)
    _delete_oldest(IdempotencyKey.objects.all(), "created_at", now - IDEMPOTENCY_KEYS_KEPT)
    told = Event.objects.filter(fanned_out_at__isnull=False, outboxmessage=None)
    _delete_oldest(told, "at", now - EVENTS_KEPT)


def delete_old_calls() -> int:
    """Deletes rows of calls older than HISTORY_DAYS_OF_CALLS, for SECONDS at most. Returns how many."""
    return _delete_oldest(Call.objects.all(), "at", clock.now() - timedelta(days=settings.HISTORY_DAYS_OF_CALLS))


def _delete_oldest(rows: QuerySet[Any], column: str, before: datetime) -> int:
    """Deletes those with the smallest ids, which are the oldest, while they are older than `before`."""
    ends = time.monotonic() + SECONDS
    deleted = 0
    while time.monotonic() < ends:
        oldest = list(rows.order_by("pk").values_list("pk", column)[:AT_ONCE])
        pks = [pk for pk, at in oldest if at < before]
        if not pks:
            break
        # By the range of their ids, which the database finds sooner than each of them.
        number, _ = rows.filter(pk__lte=pks[-1], **{f"{column}__lt": before}).delete()
        deleted += number
        if len(pks) < AT_ONCE:
            break
    return deleted
