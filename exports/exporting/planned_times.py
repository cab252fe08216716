"""Planned times of a cron expression in a time zone, by cronsim.

A cron expression names local times. A local time that does not exist, because clocks go forward, stands for the first
moment after the gap; one that comes twice, because they go back, stands for its first. Only where the hour is `*` the
hours are counted as they pass, so that an hourly schedule runs every hour of such a day too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from django.utils.translation import gettext_noop

NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
FIELDS: Final = (
    gettext_noop("minute"),
    gettext_noop("hour"),
    "day of the month",
    gettext_noop("month"),
    "day of the week",
)
RANGES: Final = ("0 to 59", "0 to 23", "1 to 31, or L", "1 to 12", "0 to 7, or SUN to SAT")
MAX_LENGTH: Final = 100
# Clocks have gone back by at most a day.
LONGEST_REPEAT: Final = timedelta(hours=24)


def parse_zone(name: str) -> ZoneInfo:
    """Returns the time zone of the IANA database. Raises ValueError with a sentence for a person."""
    try:
        # Its data are files: other names could be paths, or files that are no zones.
        if name and all(part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in name.split("/")):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError(f"There is no time zone “{name[:60]}”. Give a name like Europe/Paris or UTC.")


@dataclass(frozen=True)
class Plan:
    """The planned times of a cron expression in a zone. `parse` checks both."""

    cron: str
    zone: ZoneInfo

    @classmethod
    def parse(cls, cron: str, zone: ZoneInfo) -> "Plan":
        """Parses five fields, or @hourly, @daily, @weekly or @monthly. Raises ValueError with a sentence."""
        expression = NICKNAMES.get(cron.strip().lower(), cron.strip())
        if expression.startswith("@"):
            raise ValueError(f"There is no “{expression[:20]}”. Choose from: {', '.join(NICKNAMES)}.")
        if len(expression) > MAX_LENGTH:
            raise ValueError(f"A cron expression has at most {MAX_LENGTH} characters.")
        fields = expression.split()
        if len(fields) != len(FIELDS):
            raise ValueError(
                f"A cron expression has five fields ({', '.join(FIELDS)}), like 0 2 * * 1-5; here are {len(fields)}."
            )
        for index, field in enumerate(fields):
            _check_field(index, field)
        plan = cls(" ".join(fields), zone)
        try:
            happens = next(plan.after(datetime(2000, 1, 1, tzinfo=UTC)), None) is not None
        except CronSimError:
            happens = False
        if not happens:
            raise ValueError("These fields name a day that never comes, such as 30 February.")
        return plan

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yields the planned times after the moment, in UTC, each once."""
        last = moment
        for at in self._times(moment, reverse=False):
            if at > last:
                last = at
                yield at

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Yields the planned times up to and including the moment, in UTC, each once, the latest first."""
        last = moment + timedelta(microseconds=1)
        for at in self._times(moment, reverse=True):
            if at < last:
                last = at
                yield at

    def next_times(self, moment: datetime, count: int = 5) -> list[datetime]:
        """Returns the next planned times after the moment, in UTC."""
        return list(islice(self.after(moment), count))

    def _times(self, moment: datetime, *, reverse: bool) -> Iterator[datetime]:
        """Yields planned times around the moment and on, in UTC; some may come twice, or lie before the moment."""
        local = moment.astimezone(self.zone)
        if self.cron.split()[1] == "*":
            # cronsim leaves out the moment where it starts, and fractions of its second.
            start = local + timedelta(seconds=1) if reverse else local
            return (at.astimezone(UTC) for at in CronSim(self.cron, start, reverse=reverse))
        naive = local.replace(tzinfo=None, fold=0)
        # In a repeated hour the clock shows less than it did at planned times before.
        start = naive + LONGEST_REPEAT if reverse else naive
        return self._resolved(CronSim(self.cron, start, reverse=reverse))

    def _resolved(self, times: Iterable[datetime]) -> Iterator[datetime]:
        """Yields the moments of local times without a zone."""
        for local in times:
            while (moment := local.replace(tzinfo=self.zone).astimezone(UTC)).astimezone(self.zone).replace(
                tzinfo=None, fold=0
            ) != local:
                local += timedelta(minutes=1)
            yield moment


def _check_field(index: int, field: str) -> None:
    """Raises ValueError for a field that cronsim cannot read."""
    others = ["*"] * len(FIELDS)
    others[index] = field
    try:
        CronSim(" ".join(others), datetime(2000, 1, 1))
    except CronSimError:
        # A day that no month has is said of the whole expression.
        if field.isascii() and field.isdigit() and index == 2 and 1 <= int(field) <= 31:
            return
        raise ValueError(
            f"“{field[:30]}” is no {FIELDS[index]}: give {RANGES[index]}, * for each, lists (1,3), ranges (1-5) or"
            " steps (*/2)."
        ) from None
