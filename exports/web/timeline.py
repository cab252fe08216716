"""What happened to an export, as its page tells it: the changes, with the equal questions between them folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Case, Count, IntegerField, Max, Min, Q, Subquery, Value, When

from exports.models import Call, Change, Export

FIRST_CHANGES: Final = 20
LAST_CHANGES: Final = 120
# Questions about the job go with the credential; the file is fetched without it.
IS_POLL: Final = Q(method="GET", credential__isnull=False)
IS_FAILED_POLL: Final = IS_POLL & (Q(status=None) | Q(status__gte=400) | ~Q(error=""))


@dataclass(frozen=True)
class CollapsedPolls:
    """Questions between two changes: how many, how many of them without a good answer, and when."""

    count: int
    failed: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline: a change, a fold, or so many changes that are left out."""

    change: Change | None = None
    collapsed_polls: CollapsedPolls | None = None
    skipped: int = 0


def build_timeline(export: Export) -> tuple[list[TimelineEntry], int]:
    """The lines, oldest first, and how many calls there were. Two queries, whatever happened."""
    changes = _changes(export)
    folds, calls = _folds(export, [change.at for change in changes])
    lines: list[TimelineEntry] = []
    seq = 0
    for place, change in enumerate(changes):
        # The one question whose answer is the change below needs no line of its own.
        if place in folds and (folds[place].count > 1 or folds[place].failed):
            lines.append(TimelineEntry(collapsed_polls=folds[place]))
        if change.seq > seq + 1:
            lines.append(TimelineEntry(skipped=change.seq - seq - 1))
        lines.append(TimelineEntry(change=change))
        seq = change.seq
    if len(changes) in folds:
        lines.append(TimelineEntry(collapsed_polls=folds[len(changes)]))
    return lines, calls


def _changes(export: Export) -> list[Change]:
    """All of them; of very many only the first and the latest."""
    rows = Change.objects.filter(export=export)
    last = Subquery(rows.order_by("-seq").values("seq")[:1])
    return list(rows.filter(Q(seq__lte=FIRST_CHANGES) | Q(seq__gt=last - LAST_CHANGES)).order_by("seq"))


def _folds(export: Export, times: Sequence[datetime]) -> tuple[dict[int, CollapsedPolls], int]:
    """The questions before each of the times (and, at the end, after the last), counted by the database."""
    after = Value(len(times))
    whens = [When(at__lt=at, then=Value(place)) for place, at in enumerate(times)]
    rows = (
        Call.objects.filter(export=export)
        .order_by()
        .annotate(place=Case(*whens, default=after, output_field=IntegerField()))
    )
    counted = rows.values("place").annotate(
        calls=Count("pk"),
        count=Count("pk", filter=IS_POLL),
        failed=Count("pk", filter=IS_FAILED_POLL),
        first=Min("at", filter=IS_POLL),
        last=Max("at", filter=IS_POLL),
    )
    folds, calls = {}, 0
    for row in counted:
        calls += row["calls"]
        if row["count"]:
            folds[row["place"]] = CollapsedPolls(row["count"], row["failed"], row["first"], row["last"])
    return folds, calls
