"""What the portal must do before it goes on with a database that was restored from a copy.

The copy is older than what the portal did last. What was sent in between is not in it, so nothing that it shows as not
sent yet may simply be sent: requests to providers are searched for first, mails and alerts that waited are given up,
planned times that have passed are not used. See docs/decisions/0035-after-a-restore.md.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import AutoField, F

from exports import clock, states
from exports.exporting.run_schedules import skip_planned_times
from exports.models import (
    DatabaseIdentity,
    Export,
    Heartbeat,
    OpenCircuit,
    OutboxMessage,
    RateLimitPause,
    RateWindow,
    Reservation,
)
from exports.models.outbox import ALERT, MAIL
from exports.notify.fan_out import fan_out

# More than the portal makes of anything that has a number outside of it, between a copy and the loss of the database.
IDS_AHEAD: Final = 1_000_000
MAX_PAUSE: Final = timedelta(hours=1)
NOT_SENT: Final = "Not sent: the portal's database was restored from a copy, and it may have been sent before that."
PASSED_UNUSED: Final = "The portal's database was restored from a copy; whether it asked at this time is not known."


@dataclass(frozen=True)
class Restored:
    """How many rows of each kind were changed."""

    searched: int
    doubtful: int
    messages: int
    schedules: int
    sessions: int


def take_over_restored(ids_ahead: int = IDS_AHEAD) -> Restored:
    """Makes a restored database safe to go on with, and accepts it as the portal's own. May be called again.

    Nothing of the portal may run. `ids_ahead`: new rows get ids so much above those of the copy, since the numbers in
    between have been given out and are known outside of the portal.
    """
    while fan_out():  # so that webhooks of events that the copy has just seen are not lost with mails and alerts
        pass
    with transaction.atomic():
        searched, doubtful = _doubt_requests()
        messages = OutboxMessage.objects.filter(due_at__isnull=False, kind__in=(MAIL, ALERT)).update(
            due_at=None, held_until=None, reserved=False, last_error=NOT_SENT
        )
        schedules = skip_planned_times(PASSED_UNUSED)
        _pause_limited_calls()
        _forget_processes()
        sessions, _ = Session.objects.all().delete()
        _advance_ids(ids_ahead)
        DatabaseIdentity.accept(restored_at=clock.now())
    return Restored(searched, doubtful, messages, schedules, sessions)


def _doubt_requests() -> tuple[int, int]:
    """Has the jobs of requests that may have been sent searched for. Returns how many were unsent, and in doubt.

    Where a request was in doubt already, the second one that it may be followed by may have been sent since.
    """
    rows = Export.objects.open()
    rows.update(held_until=None, reserved=False, fence=F("fence") + 1)
    waiting = rows.filter(step=states.SUBMIT)
    doubtful = waiting.filter(request_sent_at__isnull=False).update(
        may_ask_again=False, in_doubt_since=None, search_attempts=0, next_step_at=clock.now()
    )
    return waiting.filter(request_sent_at=None).update(search_first=True), doubtful


def _pause_limited_calls() -> None:
    """How much of a limit the lost time has used up is not known, so each waits for the length of its window."""
    reason = "The portal's database was restored from a copy; how many calls were made just before is not known."
    for window in RateWindow.objects.all():
        until = clock.now() + min(timedelta(seconds=window.seconds), MAX_PAUSE)
        RateLimitPause.extend(window.credential_id, window.rate_class, until, reason)


def _forget_processes() -> None:
    for model in (Heartbeat, Reservation, OpenCircuit):
        model.objects.all().delete()
    OutboxMessage.objects.filter(held_until__isnull=False).update(held_until=None, reserved=False)


def _advance_ids(count: int) -> None:
    tables = [
        model._meta.db_table for model in apps.get_app_config("exports").get_models() if _has_numbers(model._meta.pk)
    ]
    with connection.cursor() as cursor:
        for table in tables:
            if connection.vendor == "postgresql":
                sequence = "pg_get_serial_sequence(%s, 'id')"
                cursor.execute(f"SELECT setval({sequence}, nextval({sequence}) + %s)", [table, table, count])
            else:
                cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s", [count, table])
                cursor.execute(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT %s, %s"
                    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = %s)",
                    [table, count, table],
                )


def _has_numbers(field: object) -> bool:
    return isinstance(field, AutoField) and field.column == "id"
