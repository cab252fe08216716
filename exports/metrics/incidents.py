"""What keeps the portal from its work now, and since when: kept in the database, so that a restart forgets nothing."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import F

from exports import clock, states
from exports.metrics.workers import get_workers
from exports.models import Incident, LastRun
from exports.models.incident import DISPATCH
from exports.queue.capacity import CONTROL
from exports.queue.leases import oldest_due_by_step

# Exports that are due for longer than this wait for somebody.
MAX_LAG: Final = timedelta(minutes=10)
# A dispatch writes every ten seconds that it was done.
MAX_SILENCE: Final = timedelta(seconds=60)
# What was away for so long is over; what comes back earlier was there all the time.
OVER_AFTER: Final = timedelta(minutes=2)
FORGOTTEN_AFTER: Final = timedelta(days=1)
STEPS: Final = (states.SUBMIT, states.POLL, states.FETCH)


def current_incidents() -> dict[str, str]:
    """Sentences by key, in three queries: queues without a reader, no dispatches, exports that are due for long.

    While READ_ONLY is set, only the first.
    """
    incidents = {
        f"queue:{queue}": f"Nobody reads the queue {queue}: what is due there waits."
        for queue in get_workers().unread_queues
    }
    if settings.READ_ONLY:
        return incidents  # Nothing is to be dispatched, and what is due waits.
    dispatched_at = LastRun.time_of(DISPATCH)
    is_silent = dispatched_at is None or dispatched_at < clock.now() - MAX_SILENCE
    if is_silent and f"queue:{CONTROL}" not in incidents:
        incidents["dispatch"] = "Nothing is dispatched: beat asks for it, and no worker does it."
    oldest = oldest_due_by_step()
    late = [step for step in STEPS if step in oldest and oldest[step] < clock.now() - MAX_LAG]
    if late:
        incidents["lag"] = f"Exports are due for more than ten minutes: {', '.join(late)}."
    return incidents


def record(incidents: dict[str, str]) -> None:
    """Writes which incidents there are now; one that had ended begins anew. Forgets what ended a day ago."""
    now = clock.now()
    for key, detail in incidents.items():
        ended = Incident.objects.filter(key=key, seen_at__lt=now - OVER_AFTER)
        again = {"since": now, "seen_at": now, "notified_at": None, "end_notified_at": None, "held_until": None}
        # The mail about its end may not have gone yet; then the operators know of it still.
        if ended.exclude(notified_at__isnull=False, end_notified_at=None).update(
            **again, times=F("times") + 1, detail=detail
        ):
            continue
        defaults = {"detail": detail, "since": now, "seen_at": now}
        _, created = Incident.objects.get_or_create(key=key, defaults=defaults)
        if not created:
            Incident.objects.filter(key=key).update(seen_at=now, detail=detail)
    Incident.objects.filter(seen_at__lt=now - FORGOTTEN_AFTER).delete()
