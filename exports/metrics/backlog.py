"""What is due and what is stuck, over all teams. The cost grows with open exports, not with the history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from exports import clock, states
from exports.models import Export
from exports.queue.leases import oldest_due_by_step

# More due steps than this are not counted one by one.
MAX_COUNTED: Final = 10_000
# A step that has been due for so long, while nobody holds it, should have been taken.
STUCK_AFTER: Final = timedelta(minutes=5)
STEPS: Final = (states.SUBMIT, states.POLL, states.FETCH)


@dataclass(frozen=True)
class DueStep:
    """One kind of step: how many exports are due for it (at most MAX_COUNTED in all), and since when the oldest is."""

    step: str
    count: int
    oldest_at: datetime | None


@dataclass(frozen=True)
class DueSteps:
    """All kinds of steps."""

    steps: tuple[DueStep, ...]

    @property
    def total(self) -> int:
        """How many are due, at most MAX_COUNTED."""
        return sum(step.count for step in self.steps)

    @property
    def is_more(self) -> bool:
        """Whether there may be more than were counted."""
        return self.total >= MAX_COUNTED

    @property
    def oldest_at(self) -> datetime | None:
        """Since when the oldest of all is due."""
        return min((step.oldest_at for step in self.steps if step.oldest_at is not None), default=None)


def _idle(now: datetime) -> Q:
    return Q(held_until__isnull=True) | Q(held_until__lte=now)


def due_steps() -> DueSteps:
    """Counts what is due now and held by no worker, in two queries."""
    now = clock.now()
    # By their steps, which the index of open exports begins with.
    due = Export.objects.filter(_idle(now), step__in=STEPS, next_step_at__lte=now)
    rows = due.values("pk", "step")[:MAX_COUNTED]
    counts = rows.aggregate(**{step: Count("pk", filter=Q(step=step)) for step in STEPS})
    oldest = oldest_due_by_step()
    return DueSteps(tuple(DueStep(step, counts[step], oldest.get(step)) for step in STEPS))


def is_stuck(at: datetime) -> Q:
    """The condition of open exports whose step is due for STUCK_AFTER without being held, or whose workers died."""
    overdue = _idle(at) & Q(next_step_at__lte=at - STUCK_AFTER)
    # A claim counts from its beginning: the one under way is no crash.
    crashed = Q(crash_count__gt=1) | (Q(crash_count=1) & (_idle(at) | Q(reserved=True)))
    return Q(next_step_at__isnull=False) & (crashed | overdue)


def count_crashes(export: Export, at: datetime) -> int:
    """How many workers died in a row in the step of an open export; the claim that is under way is none of them."""
    is_held = export.held_until is not None and export.held_until > at
    under_way = is_held and not export.reserved
    return max(0, export.crash_count - under_way) if export.is_open else 0


def seems_stuck(export: Export, at: datetime) -> bool:
    """As `is_stuck`, for an export that was read."""
    is_held = export.held_until is not None and export.held_until > at
    is_overdue = export.next_step_at is not None and export.next_step_at <= at - STUCK_AFTER
    return export.is_open and (count_crashes(export, at) > 0 or (is_overdue and not is_held))


def stuck_exports(limit: int) -> list[Export]:
    """Returns the exports that are stuck, the longest due first, with team, project and credential, in one query."""
    rows = Export.objects.filter(is_stuck(clock.now())).select_related("team", "project__credential")
    return list(rows.order_by("next_step_at", "pk")[:limit])
