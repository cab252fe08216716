"""The timeline of an export: its changes, and between them the polls, collapsed into one entry each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Case, Count, IntegerField, Max, Min, Q, Subquery, Value, When

from exports.models import Call, Change, Export

FIRST_CHANGES: Final = 20
LAST_CHANGES: Final = 120
# Polls are made with a credential; the download of the file is not.
IS_POLL: Final = Q(method="GET", credential__isnull=False)
IS_FAILED_POLL: Final = IS_POLL & (Q(status=None) | Q(status__gte=400) | ~Q(error=""))


@dataclass(frozen=True)
class CollapsedPolls:
    """The polls between two changes. `failed`: how many of them got no usable response."""

    count: int
    failed: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class TimelineEntry:
    """One entry of the timeline: a change, collapsed polls, or the number of changes that are not shown."""

    change: Change | None = None
    collapsed_polls: CollapsedPolls | None = None
    skipped: int = 0


def build_timeline(export: Export) -> tuple[list[TimelineEntry], int]:
    """Returns the entries, oldest first, and the number of all calls. Always two queries."""
    changes = _changes(export)
    polls, call_count = _collapsed_polls(export, [change.at for change in changes])
    entries: list[TimelineEntry] = []
    seq = 0
    for index, change in enumerate(changes):
        # A single successful poll is the one that brought the change, so it gets no entry of its own.
        if index in polls and (polls[index].count > 1 or polls[index].failed):
            entries.append(TimelineEntry(collapsed_polls=polls[index]))
        if change.seq > seq + 1:
            entries.append(TimelineEntry(skipped=change.seq - seq - 1))
        entries.append(TimelineEntry(change=change))
        seq = change.seq
    if len(changes) in polls:
        entries.append(TimelineEntry(collapsed_polls=polls[len(changes)]))
    return entries, call_count


def _changes(export: Export) -> list[Change]:
    """Returns the first FIRST_CHANGES and the last LAST_CHANGES changes, oldest first."""
    rows = Change.objects.filter(export=export)
    last = Subquery(rows.order_by("-seq").values("seq")[:1])
    return list(rows.filter(Q(seq__lte=FIRST_CHANGES) | Q(seq__gt=last - LAST_CHANGES)).order_by("seq"))


def _collapsed_polls(export: Export, times: Sequence[datetime]) -> tuple[dict[int, CollapsedPolls], int]:
    """Returns the polls before each time by its index (len(times): after the last), and the number of all calls."""
    after = Value(len(times))
    whens = [When(at__lt=at, then=Value(index)) for index, at in enumerate(times)]
    rows = (
        Call.objects.filter(export=export)
        .order_by()
        .annotate(index=Case(*whens, default=after, output_field=IntegerField()))
    )
    counted = rows.values("index").annotate(
        calls=Count("pk"),
        count=Count("pk", filter=IS_POLL),
        failed=Count("pk", filter=IS_FAILED_POLL),
        first=Min("at", filter=IS_POLL),
        last=Max("at", filter=IS_POLL),
    )
    polls, call_count = {}, 0
    for row in counted:
        call_count += row["calls"]
        if row["count"]:
            polls[row["index"]] = CollapsedPolls(row["count"], row["failed"], row["first"], row["last"])
    return polls, call_count
