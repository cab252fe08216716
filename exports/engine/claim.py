"""Claims: who may take the next step of an export, and whether they still may.

A claim is a short lease, `held_until`, and one more on `fence`. It is renewed while its step is under way; when its
process dies the lease ends and the row is simply due again. A result counts only while the fence stands. `next_step_at`
stays as it is until the step's outcome is written: a claim and its renewals touch no index.
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

from exports import states
from exports.engine import clock, share
from exports.models import Allowance, Export, Project
from exports.models.export import OPEN

LEASE_SECONDS: Final = 10.0
# Where something has waited for so long, more is due than there are slots.
PILE_SECONDS: Final = 0.5
STEPS: Final = (states.SUBMIT, states.POLL, states.FETCH)
_FIRST = (
    "(SELECT next_step_at FROM exports_export WHERE step = %s AND next_step_at <= %s"
    " AND (held_until IS NULL OR held_until <= %s) ORDER BY next_step_at LIMIT 1)"
)
LONGEST: Final = "SELECT " + ", ".join([_FIRST] * len(STEPS))
TAKE: Final = """
    UPDATE exports_export SET held_until = %s, fence = fence + 1, stalls = stalls + 1
    WHERE id = ANY({}) RETURNING {}
"""
# No step reads these; a place that does all the same fetches them then.
UNREAD: Final = {"trigger", "retry_of", "options_key", "error_code", "error_message", "error_action", "file",
                 "submitted_at", "started_at", "finished_at", "held_until"}  # fmt: skip
DEFERRED: Final = ("created_at", "credential__created_at", "credential__used_at", "credential__checked_at")
COLUMNS: Final = ", ".join(str(field.column) for field in Export._meta.concrete_fields if field.name not in UNREAD)


class LostClaimError(Exception):
    """The claim no longer stands: canceled, or its lease ran out. What was brought is dropped."""


@dataclass
class Claim:
    """The right to take one step. `held_until`: the clock's ticks until which the lease surely stands.

    `drawn`: the allowance its ticket was drawn from, as it was then.
    """

    export: Export
    fence: int
    held_until: float
    lost: bool = field(default=False)
    drawn: Allowance | None = field(default=None, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def check(self) -> None:
        """Raises LostClaimError when the claim may no longer stand."""
        if self.lost or clock.ticks() > self.held_until - 1:
            raise LostClaimError

    def settle(self, **fields: Any) -> None:
        """Writes what the step brought, and gives the claim back. Raises LostClaimError when it no longer stands."""
        self.write(**{"ticket": None, **fields, "held_until": None, "stalls": 0})

    def write(self, **fields: Any) -> None:
        """Writes in the middle of a step and keeps the claim. Raises LostClaimError when it no longer stands."""
        rows = Export.objects.filter(pk=self.export.pk, fence=self.fence, status__in=OPEN)
        if not rows.update(**fields):
            self.lost = True
            raise LostClaimError
        for name, value in fields.items():
            setattr(self.export, name, value)


def longest_due() -> dict[str, datetime]:
    """For each kind of step that is due: since when the one that waits longest is. One plain read, no lock."""
    asked = connection.ops.adapt_datetimefield_value(clock.now())
    with connection.cursor() as cursor:
        cursor.execute(LONGEST, [value for step in STEPS for value in (step, asked, asked)])
        found = cursor.fetchone()
    return {step: _moment(at) for step, at in zip(STEPS, found, strict=True) if at is not None}


def _moment(at: datetime | str) -> datetime:
    """A time as the database gives it; SQLite keeps text."""
    found = parse_datetime(at) if isinstance(at, str) else at
    if found is None:
        raise ValueError(at)
    return found if timezone.is_aware(found) else found.replace(tzinfo=UTC)


def claim_due(steps: Sequence[str], limit: int, running: Iterable[Claim] = (), *, fair: bool = True) -> list[Claim]:
    """Claims up to `limit` due exports whose next step is one of these, the longest waiting first.

    When more wait than that, teams take turns, and within a team its projects; `running` is what each has in hand.
    Without `fair` they do not, this once: it costs a little.
    """
    if limit < 1 or not (due_since := [at for step, at in longest_due().items() if step in steps]):
        return []
    return claim_from(steps, limit, min(due_since) if fair else None, running)


def claim_from(steps: Sequence[str], limit: int, since: datetime | None, running: Iterable[Claim] = ()) -> list[Claim]:
    """As `claim_due`, where `longest_due` has said since when something is due. None: nobody's turn is asked for."""
    now, begun = clock.now(), clock.ticks()
    due = Export.objects.due(now).filter(step__in=steps)
    with transaction.atomic():
        if since is not None and since < now - timedelta(seconds=PILE_SECONDS):
            mine = share.candidates(steps, now, limit)
            turns = share.in_turns(mine, limit, (claim.export for claim in running))
            # Where others hold all of it, it is nobody's turn here.
            exports = _take([row[0] for row in turns], now) if turns else []
        else:
            exports = _take(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit], now)
    # Many exports share few projects: read once, and told apart by nothing a step changes.
    prefetch_related_objects(
        exports, Prefetch("project", Project.objects.select_related("credential").defer(*DEFERRED))
    )
    return [Claim(export, export.fence, begun + LEASE_SECONDS) for export in exports]


def _take(keys: "Sequence[int] | QuerySet[Export, int]", now: datetime) -> list[Export]:
    """Writes the claims; on PostgreSQL in one statement, which gives the rows back as they are then.

    `keys`: what is locked already, or a query that chooses and locks.
    """
    until = now + timedelta(seconds=LEASE_SECONDS)
    if connection.vendor != "postgresql":
        rows = Export.objects.filter(pk__in=list(keys))
        rows.update(held_until=until, fence=F("fence") + 1, stalls=F("stalls") + 1)
        return list(rows.order_by("pk"))
    if isinstance(keys, QuerySet):
        chosen, given = keys.query.sql_with_params()
        return list(Export.objects.raw(TAKE.format(f"ARRAY({chosen})", COLUMNS), [until, *given]))
    return list(Export.objects.raw(TAKE.format("%s", COLUMNS), [until, list(keys)]))


def renew(claims: Iterable[Claim]) -> None:
    """Renews the leases of steps under way, and marks the claims that no longer stand."""
    claims = list(claims)
    if not claims:
        return
    begun = clock.ticks()
    until = clock.after(LEASE_SECONDS)
    with transaction.atomic():
        # A step that has settled has planned its next time already: only what is still held is renewed.
        rows = Export.objects.filter(pk__in=[claim.export.pk for claim in claims], status__in=OPEN)
        held = dict(rows.filter(held_until__isnull=False).select_for_update().values_list("pk", "fence"))
        standing = [claim for claim in claims if held.get(claim.export.pk) == claim.fence]
        rows.filter(pk__in=[claim.export.pk for claim in standing]).update(held_until=until)
    for claim in claims:
        if held.get(claim.export.pk) == claim.fence:
            claim.held_until = begun + LEASE_SECONDS
        else:
            claim.lost = True


def release(claim: Claim) -> None:
    """Gives a claim back untouched, so that another worker need not wait for its lease to end."""
    rows = Export.objects.filter(pk=claim.export.pk, fence=claim.fence, status__in=OPEN)
    rows.update(held_until=None, fence=F("fence") + 1, stalls=0)
    claim.lost = True
