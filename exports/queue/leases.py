"""Leases: which process may take the next step of an export, and whether it still may.

The dispatcher reserves an export for a message: it sets `held_until` and `reserved` and increments `fence`. The task
that runs the message turns the reservation into a lease, which is renewed while its step is under way. When the message
is lost or the process dies, `held_until` passes and the row is due again. A result counts only while the fence stands.
`next_step_at` stays as it is until the outcome is written: a claim and its renewals touch no index.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F, QuerySet

from exports import clock, states
from exports.models import Export, RateWindow
from exports.models.export import OPEN
from exports.queue import fairness
from exports.queue.begin_sql import SeenAtBegin, begin_in_one_statement
from exports.transport.connections import Exchange

# How long a message may wait in the queue before its reservation ends.
RESERVATION_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 10.0
# When the oldest due export has waited for this long, more is due than there are slots.
BACKLOG_SECONDS: Final = 0.5
CLAIMABLE_STEPS: Final = (states.SUBMIT, states.POLL, states.FETCH)
_OLDEST_DUE_OF_STEP = (
    "(SELECT next_step_at FROM exports_export WHERE step = %s AND next_step_at <= %s"
    " AND (held_until IS NULL OR held_until <= %s) ORDER BY next_step_at LIMIT 1)"
)
_OLDEST_DUE_DELIVERY = (
    "(SELECT due_at FROM exports_outboxmessage WHERE due_at <= %s"
    " AND (held_until IS NULL OR held_until <= %s) ORDER BY due_at LIMIT 1)"
)
_OLDEST_EVENT = "(SELECT at FROM exports_event WHERE fanned_out_at IS NULL ORDER BY id LIMIT 1)"
OLDEST_DUE_SQL: Final = "SELECT " + ", ".join(
    [*[_OLDEST_DUE_OF_STEP] * len(CLAIMABLE_STEPS), _OLDEST_DUE_DELIVERY, _OLDEST_EVENT]
)
DELIVERY: Final = "delivery"
EVENT: Final = "event"
RESERVE_SQL: Final = """
    UPDATE exports_export SET held_until = %s, fence = fence + 1, reserved = TRUE
    WHERE id = ANY({}) RETURNING id, fence, team_id, project_id, polls_alone
"""
RESERVED_COLUMNS: Final = ("pk", "fence", "team_id", "project_id", "polls_alone")


class LostClaimError(Exception):
    """The claim no longer stands: the export was canceled, or the lease ran out. The step's result is dropped."""


@dataclass(frozen=True)
class Reserved:
    """An export that is reserved for a message which is about to be published."""

    export_id: int
    fence: int
    team_id: int
    project_id: int
    polls_alone: bool


@dataclass
class Claim:
    """The right to take one step of an export.

    `lease_until`: the monotonic time until which the lease surely stands. `window_at_admission`: the rate window as it
    was when the step's rate slot was taken. `stopped`: set when the worker stops and the step must end. `exchange`: the
    HTTP exchange under way, where it is watched. `received`: bytes of the file that this step has received.
    """

    export: Export
    fence: int
    lease_until: float
    lost: bool = field(default=False)
    window_at_admission: RateWindow | None = field(default=None, repr=False)
    seen_at_begin: SeenAtBegin = field(default_factory=SeenAtBegin, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)
    exchange: Exchange | None = field(default=None, repr=False)
    received: int = 0

    def watch(self, exchange: Exchange | None) -> None:
        """Notes the exchange that is under way, None after it."""
        self.exchange = exchange

    def abort(self) -> None:
        """Aborts the exchange that is under way. May be called from another thread."""
        if (exchange := self.exchange) is not None:
            exchange.abort()

    def check(self) -> None:
        """Raises LostClaimError when the claim may no longer stand."""
        if self.lost or clock.monotonic() > self.lease_until - 1:
            raise LostClaimError

    def settle(self, **fields: Any) -> None:
        """Writes the step's result and releases the claim. Raises LostClaimError when it no longer stands."""
        self.write(**{"rate_slot": None, **fields, "held_until": None, "crash_count": 0})

    def write(self, **fields: Any) -> None:
        """Writes in the middle of a step and keeps the claim. Raises LostClaimError when it no longer stands."""
        if not self._update(self._row(), fields):
            self.lost = True
            raise LostClaimError

    def write_unless(self, sql: str, params: Sequence[Any], **fields: Any) -> bool:
        """As `write`, where the SELECT finds no row. Returns False where it finds one, or the claim does not stand."""
        rows = self._row().extra(where=[f"NOT EXISTS ({sql})"], params=list(params))  # noqa: S610  constant SQL
        return self._update(rows, fields)

    def _row(self) -> QuerySet[Export]:
        return Export.objects.filter(pk=self.export.pk, fence=self.fence, status__in=OPEN)

    def _update(self, row: QuerySet[Export], fields: Mapping[str, Any]) -> bool:
        if not row.update(**fields):
            return False
        for name, value in fields.items():
            setattr(self.export, name, value)
        return True


def oldest_due_by_step(lock: int | None = None) -> dict[str, datetime]:
    """For each kind of step that is due, DELIVERY and EVENT, since when the oldest is due. A read without row locks.

    `lock`: the key of an advisory lock of PostgreSQL, which the transaction then has; empty where another one has it.
    """
    now = connection.ops.adapt_datetimefield_value(clock.now())
    params = [*(value for step in CLAIMABLE_STEPS for value in (step, now, now)), now, now]
    with connection.cursor() as cursor:
        if lock is None:
            cursor.execute(OLDEST_DUE_SQL, params)
        else:
            cursor.execute(f"{OLDEST_DUE_SQL} WHERE pg_try_advisory_xact_lock(%s)", [*params, lock])
        times = cursor.fetchone() or [None] * (len(CLAIMABLE_STEPS) + 2)
    names = (*CLAIMABLE_STEPS, DELIVERY, EVENT)
    return {name: clock.from_column(at) for name, at in zip(names, times, strict=True) if at is not None}


def reserve(
    steps: Sequence[str],
    limit: int,
    since: datetime,
    running: Sequence[fairness.Running],
    left_out: fairness.LeftOut = fairness.NOTHING,
) -> list[Reserved]:
    """Reserves up to `limit` due exports whose next step is one of these, for messages that are about to be published.

    `since`: since when the oldest of them is due. When more are due than there are slots, teams take turns, and within
    a team its projects; `running` says how many exports each has running already. Call it in a transaction.
    """
    if limit < 1:
        return []
    now = clock.now()
    due = Export.objects.due(now).filter(step__in=steps)
    if left_out or since < now - timedelta(seconds=BACKLOG_SECONDS):
        candidates: Iterable[fairness.Candidate] = fairness.candidates(steps, now, limit, left_out)
        if left_out.teams:
            candidates = fairness.prefer_idle_origins(candidates, running)
        chosen = fairness.choose_fairly(candidates, limit, running)
        # Other transactions may have locked all that is due.
        return _take([row[0] for row in chosen], now) if chosen else []
    return _take(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit], now)


def _take(keys: "Sequence[int] | QuerySet[Export, int]", now: datetime) -> list[Reserved]:
    """Writes the reservations; on PostgreSQL in one statement.

    `keys`: the ids of rows that are locked already, or a query that selects and locks them.
    """
    until = now + timedelta(seconds=RESERVATION_SECONDS)
    if connection.vendor != "postgresql":
        rows = Export.objects.filter(pk__in=list(keys))
        rows.update(held_until=until, fence=F("fence") + 1, reserved=True)
        return [Reserved(*row) for row in rows.order_by("next_step_at", "pk").values_list(*RESERVED_COLUMNS)]
    query, params = keys.query.sql_with_params() if isinstance(keys, QuerySet) else ("", [])
    with connection.cursor() as cursor:
        array = f"ARRAY({query})" if query else "%s"
        cursor.execute(RESERVE_SQL.format(array), [until, *(params or [list(keys)])])
        return [Reserved(*row) for row in cursor.fetchall()]


def begin(reserved: Sequence[tuple[int, int]]) -> list[Claim]:
    """Turns the reservations that a message names by (export id, fence) into leases, and returns their claims.

    One conditional update: what is no longer reserved, or was begun by another copy of the message, is left out. Each
    lease lasts LEASE_SECONDS, and the process must renew it.
    """
    now, begun = clock.now(), clock.monotonic()
    until = now + timedelta(seconds=LEASE_SECONDS)
    lease_until = begun + LEASE_SECONDS
    if connection.vendor != "postgresql":
        return [Claim(export, export.fence, lease_until) for export in _begin_each(reserved, now, until)]
    return [
        Claim(export, export.fence, lease_until, seen_at_begin=seen)
        for export, seen in begin_in_one_statement(reserved, now, until)
    ]


def _begin_each(reserved: Sequence[tuple[int, int]], now: datetime, until: datetime) -> list[Export]:
    exports: list[Export] = []
    with transaction.atomic():
        for export_id, fence in reserved:
            row = Export.objects.filter(pk=export_id, fence=fence, reserved=True, held_until__gt=now, status__in=OPEN)
            if row.update(held_until=until, reserved=False, crash_count=F("crash_count") + 1):
                exports.append(Export.objects.select_related("project__credential").get(pk=export_id))
    return exports


def renew(claims: Iterable[Claim]) -> None:
    """Renews the leases of steps under way to LEASE_SECONDS, and marks the claims that no longer stand as lost."""
    claims = list(claims)
    if not claims:
        return
    begun = clock.monotonic()
    until = clock.seconds_from_now(LEASE_SECONDS)
    with transaction.atomic():
        # A step that has settled has set the time of the next one, so only rows that are still held are renewed.
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
    """Releases reservations whose message was not published. If it was after all, its fence no longer stands."""
    for export in reserved:
        rows = Export.objects.filter(pk=export.export_id, fence=export.fence, reserved=True)
        rows.update(held_until=None, fence=F("fence") + 1, reserved=False)


def release(claim: Claim, **fields: Any) -> None:
    """Releases a claim without a result, so that another worker need not wait for its lease to end; writes `fields`."""
    rows = Export.objects.filter(pk=claim.export.pk, fence=claim.fence, status__in=OPEN)
    rows.update(held_until=None, fence=F("fence") + 1, crash_count=0, **fields)
    claim.lost = True
