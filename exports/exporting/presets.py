"""The cron expressions that a form offers by name: hourly, daily, weekly and monthly at a time."""

import re
from dataclasses import dataclass
from typing import Final

from exports.exporting.planned_times import NICKNAMES

HOURLY: Final = "hourly"
DAILY: Final = "daily"
WEEKLY: Final = "weekly"
MONTHLY: Final = "monthly"
CUSTOM: Final = "custom"
LAST_DAY: Final = "L"

_PRESET: Final = re.compile(r"(\d{1,2}) (\*|\d{1,2}) (\*|L|\d{1,2}) \* (\*|[0-7](?:[-,][0-7])*)")


@dataclass(frozen=True)
class Preset:
    """A cron expression of a common form. `weekdays`: 1 is Monday, 7 Sunday. `day`: of the month, 1 to 31 or "L"."""

    frequency: str
    minute: int = 0
    hour: int = 0
    weekdays: tuple[int, ...] = ()
    day: str = "1"

    @property
    def time(self) -> str:
        """The time of day, as in 07:30."""
        return f"{self.hour:02d}:{self.minute:02d}"

    @property
    def cron(self) -> str:
        """The cron expression."""
        hour = "*" if self.frequency == HOURLY else self.hour
        day = self.day if self.frequency == MONTHLY else "*"
        weekdays = ",".join(str(number % 7) for number in self.weekdays) if self.frequency == WEEKLY else "*"
        return f"{self.minute} {hour} {day} * {weekdays}"


def parse_preset(cron: str) -> Preset | None:
    """Returns the preset that has this cron expression; None where none has."""
    match = _PRESET.fullmatch(NICKNAMES.get(cron.strip().lower(), " ".join(cron.split())))
    if match is None:
        return None
    minute, hour, day, weekdays = match.groups()
    if hour == "*":
        return Preset(HOURLY, int(minute)) if day == weekdays == "*" else None
    if day != "*":
        return Preset(MONTHLY, int(minute), int(hour), day=day) if weekdays == "*" else None
    if weekdays == "*":
        return Preset(DAILY, int(minute), int(hour))
    numbers = {number or 7 for part in weekdays.split(",") for number in _expand(part)}
    return Preset(WEEKLY, int(minute), int(hour), weekdays=tuple(sorted(numbers)))


def _expand(part: str) -> range:
    """Returns the numbers of "3" or "1-5"."""
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)
