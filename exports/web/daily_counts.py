"""How many of a team's exports ended in which way on each of the last days, by the reader's days.

The days before today are kept in the process for some minutes: counting them grows with the history, and they hardly
change any more. Today is counted anew for every page, over a bounded number of exports.
"""

from collections import Counter, OrderedDict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Final

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import pgettext

from exports import clock, states
from exports.models import Export, Team
from exports.templatetags.charts import Day
from exports.templatetags.times import format_day

KEPT_SECONDS: Final = 300
MAX_KEPT: Final = 256
MAX_TODAY: Final = 5000
COUNTED: Final = (states.SUCCEEDED, states.FAILED, states.CANCELED)

Counts = Counter[tuple[date, str]]
_kept: OrderedDict[tuple[int, str, date, int], tuple[datetime, Counts]] = OrderedDict()
_lock = Lock()


def last_days(team: Team, days: int) -> list[Day]:
    """Returns the last days, the oldest first and today last, by when the exports were asked for. One query.

    Each day leads to its exports in the list.
    """
    today = timezone.localdate()
    counts = _before(team, today, days)
    if counts is None:
        counts = _count(_since(team, today - timedelta(days=days - 1)))
        _keep(team, today, days, counts)
    else:
        counts = counts + _count(_latest_since(team, today))
    url = reverse("web:exports", args=[team.slug])
    return [_day(today - timedelta(days=ago), counts, url) for ago in range(days - 1, -1, -1)]


def forget() -> None:
    """Forgets what is kept."""
    with _lock:
        _kept.clear()


def success_rates(days: Sequence[Day]) -> list[float]:
    """Returns the share of successes among those that succeeded or failed, in percent, of each day that has any."""
    return [100 * day.succeeded / (day.succeeded + day.failed) for day in days if day.succeeded + day.failed]


def _day(day: date, counts: Counts, url: str) -> Day:
    query = f"since={day.isoformat()}&until={day.isoformat()}"
    succeeded, failed, canceled = (counts[day, status] for status in COUNTED)
    return Day(format_day(day, pgettext("date", "D j M")), f"{url}?{query}", succeeded, failed, canceled)


def _since(team: Team, day: date) -> QuerySet[Export]:
    start = timezone.make_aware(datetime.combine(day, time.min))
    return Export.objects.filter(team=team, created_at__gte=start, status__in=COUNTED)


def _latest_since(team: Team, day: date) -> QuerySet[Export]:
    newest = Export.objects.filter(team=team).order_by("-pk").values("pk")[:MAX_TODAY]
    return _since(team, day).filter(pk__in=newest)


def _count(rows: QuerySet[Export]) -> Counts:
    found = rows.order_by().annotate(day=TruncDate("created_at")).values_list("day", "status").annotate(Count("pk"))
    return Counter({(day, status): number for day, status, number in found})


def _before(team: Team, today: date, days: int) -> Counts | None:
    """Returns the kept counts of the days before today; None when there are none that are young enough."""
    with _lock:
        at, counts = _kept.get(_key(team, today, days), (None, Counter()))
    return counts if at is not None and (clock.now() - at).total_seconds() < KEPT_SECONDS else None


def _keep(team: Team, today: date, days: int, counts: Counts) -> None:
    before = Counter({key: number for key, number in counts.items() if key[0] < today})
    with _lock:
        _kept[_key(team, today, days)] = (clock.now(), before)
        while len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)


def _key(team: Team, today: date, days: int) -> tuple[int, str, date, int]:
    return team.pk, timezone.get_current_timezone_name(), today, days
