"""Leases: who may take the next step of an export, and whether they still may.

The dispatcher claims an export for a message: `held_until`, `reserved`, and one more on `fence`. The task that runs the
message turns that into a lease, which is renewed while its step is under way. When the message is lost or the process
dies, `held_until` passes and the row is due again. A result counts only while the fence stands. `next_step_at` stays as
it is until the outcome is written: a claim and its renewals touch no index.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, Prefetch, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from exports import clock, states
from exports.models import Export, Project, RateWindow
from exports.models.export import OPEN
from exports.queue import fairness

# How long a claim made for a message covers its time in the queue.
RESERVATION_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 10.0
# Where something has waited for so long, more is due than there are slots.
BACKLOG_SECONDS: Final = 0.5
CLAIMABLE_STEPS: Final = (states.SUBMIT, states.POLL, states.FETCH)
_OLDEST_DUE_OF_STEP = (
    "(SELECT next_step_at FROM exports_export WHERE step = %s AND next_step_at <= %s"
    " AND (held_until IS NULL OR held_until <= %s) ORDER BY next_step_at LIMIT 1)"
)
OLDEST_DUE_SQL: Final = "SELECT " + ", ".join([_OLDEST_DUE_OF_STEP] * len(CLAIMABLE_STEPS))
RESERVE_SQL: Final = """
    UPDATE exports_export SET held_until = %s, fence = fence + 1, reserved = TRUE
    WHERE id = ANY({}) RETURNING id, fence, team_id, project_id, polls_alone
"""
RESERVED_COLUMNS: Final = ("pk", "fence", "team_id", "project_id", "polls_alone")
# No step reads these; a place that does all the same fetches them then.
DEFERRED_EXPORT_FIELDS: Final = {"trigger", "retry_of", "options_key", "error_code", "error_message", "error_action", "file",
                 "submitted_at", "started_at", "finished_at", "held_until"}  # fmt: skip
DEFERRED_PROJECT_FIELDS: Final = (
    "created_at",
    "credential__created_at",
    "credential__used_at",
    "credential__checked_at",
)
CLAIM_COLUMNS: Final = ", ".join(
    f"e.{field.column}" for field in Export._meta.concrete_fields if field.name not in DEFERRED_EXPORT_FIELDS
)
BEGIN_SQL: Final = f"""
    UPDATE exports_export AS e SET held_until = %s, reserved = FALSE, crash_count = crash_count + 1
    FROM unnest(%s::bigint[], %s::bigint[]) AS message(id, fence)
    WHERE e.id = message.id AND e.fence = message.fence AND e.reserved AND e.held_until > %s AND e.finished_at IS NULL
    RETURNING {CLAIM_COLUMNS}
"""  # noqa: S608  our own columns


class LostClaimError(Exception):
    """The claim no longer stands: canceled, or its lease ran out. What was brought is dropped."""


@dataclass(frozen=True)
class Reserved:
    """An export that was claimed for a message which is about to be published."""

    export_id: int
    fence: int
    team_id: int
    project_id: int
    polls_alone: bool


@dataclass
class Claim:
    """The right to take one step. `held_until`: the clock's ticks until which the lease surely stands.

    `drawn`: the allowance its rate_slot was drawn from, as it was then.
    """

    export: Export
    fence: int
    lease_until: float
    lost: bool = field(default=False)
    window_at_admission: RateWindow | None = field(default=None, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def check(self) -> None:
        """Raises LostClaimError when the claim may no longer stand."""
        if self.lost or clock.monotonic() > self.lease_until - 1:
            raise LostClaimError

    def settle(self, **fields: Any) -> None:
        """Writes what the step brought, and gives the claim back. Raises LostClaimError when it no longer stands."""
        self.write(**{"rate_slot": None, **fields, "held_until": None, "crash_count": 0})

    def write(self, **fields: Any) -> None:
        """Writes in the middle of a step and keeps the claim. Raises LostClaimError when it no longer stands."""
        rows = Export.objects.filter(pk=self.export.pk, fence=self.fence, status__in=OPEN)
        if not rows.update(**fields):
            self.lost = True
            raise LostClaimError
        for name, value in fields.items():
            setattr(self.export, name, value)


def oldest_due_by_step() -> dict[str, datetime]:
    """For each kind of step that is due: since when the one that waits longest is. One plain read, no lock."""
    asked = connection.ops.adapt_datetimefield_value(clock.now())
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_DUE_SQL, [value for step in CLAIMABLE_STEPS for value in (step, asked, asked)])
        found = cursor.fetchone()
    return {step: _moment(at) for step, at in zip(CLAIMABLE_STEPS, found, strict=True) if at is not None}


def _moment(at: datetime | str) -> datetime:
    """A time as the database gives it; SQLite keeps text."""
    found = parse_datetime(at) if isinstance(at, str) else at
    if found is None:
        raise ValueError(at)
    return found if timezone.is_aware(found) else found.replace(tzinfo=UTC)


def reserve(steps: Sequence[str], limit: int, since: datetime, running: Iterable[fairness.Running]) -> list[Reserved]:
    """Claims up to `limit` due exports whose next step is one of these, for messages that are about to be published.

    `since`: since when the one that waits longest is due. When more wait than there are slots for, teams take turns,
    and within a team its projects; `running` is what each has in hand. Call it in a transaction.
    """
    if limit < 1:
        return []
    now = clock.now()
    due = Export.objects.due(now).filter(step__in=steps)
    if since < now - timedelta(seconds=BACKLOG_SECONDS):
        mine = fairness.candidates(steps, now, limit)
        turns = fairness.choose_fairly(mine, limit, running)
        # Where others hold all of it, it is nobody's turn here.
        return _take([row[0] for row in turns], now) if turns else []
    return _take(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit], now)


def _take(keys: "Sequence[int] | QuerySet[Export, int]", now: datetime) -> list[Reserved]:
    """Writes the claims; on PostgreSQL in one statement.

    `keys`: what is locked already, or a query that chooses and locks.
    """
    until = now + timedelta(seconds=RESERVATION_SECONDS)
    if connection.vendor != "postgresql":
        rows = Export.objects.filter(pk__in=list(keys))
        rows.update(held_until=until, fence=F("fence") + 1, reserved=True)
        return [Reserved(*row) for row in rows.order_by("next_step_at", "pk").values_list(*RESERVED_COLUMNS)]
    chosen, given = keys.query.sql_with_params() if isinstance(keys, QuerySet) else ("", [])
    with connection.cursor() as cursor:
        array = f"ARRAY({chosen})" if chosen else "%s"
        cursor.execute(RESERVE_SQL.format(array), [until, *(given or [list(keys)])])
        return [Reserved(*row) for row in cursor.fetchall()]


def begin(reserved: Sequence[tuple[int, int]]) -> list[Claim]:
    """The claims that a task may act on, of those its message names by (export id, fence).

    One conditional update: what is reserved no longer, or was begun by a second copy of the message, is left out.
    From here on the claim is a lease of LEASE_SECONDS that the process must keep.
    """
    now, begun = clock.now(), clock.monotonic()
    until = now + timedelta(seconds=LEASE_SECONDS)
    if connection.vendor == "postgresql":
        keys = [[pair[0] for pair in reserved], [pair[1] for pair in reserved]]
        exports = list(Export.objects.raw(BEGIN_SQL, [until, *keys, now]))
    else:
        exports = _begin_each(reserved, now, until)
    # Many exports share few projects: read once, and told apart by nothing a step changes.
    prefetch_related_objects(
        exports, Prefetch("project", Project.objects.select_related("credential").defer(*DEFERRED_PROJECT_FIELDS))
    )
    return [Claim(export, export.fence, begun + LEASE_SECONDS) for export in exports]


def _begin_each(reserved: Sequence[tuple[int, int]], now: datetime, until: datetime) -> list[Export]:
    exports: list[Export] = []
    with transaction.atomic():
        for export_id, fence in reserved:
            row = Export.objects.filter(pk=export_id, fence=fence, reserved=True, held_until__gt=now, status__in=OPEN)
            if row.update(held_until=until, reserved=False, crash_count=F("crash_count") + 1):
                exports.append(Export.objects.get(pk=export_id))
    return exports


def renew(claims: Iterable[Claim]) -> None:
    """Renews the leases of steps under way, and marks the claims that no longer stand."""
    claims = list(claims)
    if not claims:
        return
    begun = clock.monotonic()
    until = clock.seconds_from_now(LEASE_SECONDS)
    with transaction.atomic():
        # A step that has settled has planned its next time already: only what is still held is renewed.
        rows = Export.objects.filter(pk__in=[claim.export.pk for claim in claims], status__in=OPEN)
        held = dict(rows.filter(held_until__isnull=False).select_for_update().values_list("pk", "fence"))
        standing = [claim for claim in claims if held.get(claim.export.pk) == claim.fence]
        rows.filter(pk__in=[claim.export.pk for claim in standing]).update(held_until=until)
    for claim in claims:
        if held.get(claim.export.pk) == claim.fence:
            claim.lease_until = begun + LEASE_SECONDS
        else:
            claim.lost = True


def release_reserved(reserved: Sequence[Reserved]) -> None:
    """Gives claims back for which no message was published, or may have been: it finds itself too late."""
    for one in reserved:
        rows = Export.objects.filter(pk=one.export_id, fence=one.fence, reserved=True)
        rows.update(held_until=None, fence=F("fence") + 1, reserved=False)


def release(claim: Claim) -> None:
    """Gives a claim back untouched, so that another worker need not wait for its lease to end."""
    rows = Export.objects.filter(pk=claim.export.pk, fence=claim.fence, status__in=OPEN)
    rows.update(held_until=None, fence=F("fence") + 1, crash_count=0)
    claim.lost = True
