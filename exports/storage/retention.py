"""Which kept files a retention rule lets go, and by which of its numbers. Decides from values; reads no table.

A rule holds per project, type and format. A file is kept if any number keeps it:

- `keep_last`: the newest n;
- `keep_days`: those younger than n days of 24 hours;
- `keep_daily`, `keep_weekly`, `keep_monthly`: the newest of each of the last n days, ISO weeks or months that have a
  file, in the team's time zone (grandfather, father, son).

Without any of these all are kept. `max_bytes` comes last and takes the oldest over all projects of the rule. The last
good file of a project, type and format is never taken, nor is a pinned one, which takes no place and counts no bytes.
A damaged file takes no place of a good one either.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Final

KEEPING: Final = ("keep_last", "keep_days", "keep_daily", "keep_weekly", "keep_monthly")
MAX_BYTES: Final = "max_bytes"
PERIODS: Final[dict[str, Callable[[datetime], tuple[int, ...]]]] = {
    "keep_daily": lambda local: (local.year, local.month, local.day),
    "keep_weekly": lambda local: local.isocalendar()[:2],
    "keep_monthly": lambda local: (local.year, local.month),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The numbers of a rule; None where it has none."""

    keep_last: int | None = None
    keep_days: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None
    max_bytes: int | None = None

    @property
    def keeping(self) -> tuple[str, ...]:
        """The names of its numbers that keep files."""
        return tuple(name for name in KEEPING if getattr(self, name) is not None)

    @property
    def keeps_all(self) -> bool:
        """Whether it lets no file go."""
        return not self.keeping and self.max_bytes is None


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What a decision needs of a file. `at` is when it was verified."""

    id: int
    export_id: int
    project_id: int
    type: str
    format: str
    size: int
    at: datetime
    pinned: bool = False
    damaged: bool = False
    expires_at: datetime | None = None

    @property
    def group(self) -> tuple[int, str, str]:
        """Project, type and format: a rule's numbers count in each of them."""
        return self.project_id, self.type, self.format


@dataclass(frozen=True, slots=True)
class Decision:
    """Of one file. `rule`: "" where it is kept, else the numbers by which it goes ("keep_last, keep_days").

    `expires_at`: when its days end, for a kept file that nothing but `keep_days` keeps; it goes then at the latest.
    """

    file: KeptFile
    rule: str = ""
    expires_at: datetime | None = None

    @property
    def goes(self) -> bool:
        """Whether the file goes."""
        return bool(self.rule)


def decide(files: Iterable[KeptFile], rule: Rule, now: datetime, zone: tzinfo) -> Iterator[Decision]:
    """Yields a decision for each file. `files`: by group, in each the newest first.

    Holds one file at a time in memory; with `max_bytes`, those that it may take.
    """
    total = 0
    removable: list[Decision] = []
    for _, group in groupby(files, key=lambda file: file.group):
        for decision, may_go in _decide_group(group, rule, now, zone):
            if rule.max_bytes is None or decision.goes or decision.file.pinned:
                yield decision
                continue
            total += decision.file.size
            if may_go:
                removable.append(decision)
            else:
                yield decision
    removable.sort(key=lambda decision: (decision.file.at, decision.file.export_id))
    for decision in removable:
        if rule.max_bytes is not None and total > rule.max_bytes:
            total -= decision.file.size
            yield replace(decision, rule=MAX_BYTES, expires_at=None)
        else:
            yield decision


def _decide_group(
    files: Iterable[KeptFile], rule: Rule, now: datetime, zone: tzinfo
) -> Iterator[tuple[Decision, bool]]:
    """Yields the decisions by all numbers but `max_bytes`, and whether that may take the file."""
    places = _Places(rule, zone)
    last_good_seen = False
    for file in files:
        is_last_good = not file.damaged and not last_good_seen
        last_good_seen = last_good_seen or is_last_good
        if file.pinned:
            yield Decision(file), False
            continue
        kept_by = places.take(file) if rule.keeping else {""}
        until = None if rule.keep_days is None else file.at + timedelta(days=rule.keep_days)
        if until is not None and until > now:
            kept_by.add("keep_days")
        if is_last_good:
            yield Decision(file), False
        elif kept_by:
            yield Decision(file, expires_at=until if kept_by == {"keep_days"} else None), True
        else:
            yield Decision(file, rule=", ".join(rule.keeping)), True


class _Places:
    """The places that a rule has in a group: n newest, and n periods of each length."""

    def __init__(self, rule: Rule, zone: tzinfo) -> None:
        self.zone = zone
        self.left = {name: number for name in ("keep_last", *PERIODS) if (number := getattr(rule, name)) is not None}
        self.periods: dict[str, tuple[int, ...]] = {}

    def take(self, file: KeptFile) -> set[str]:
        """Returns the numbers that keep the file, which is older than those before it. A damaged one takes no place."""
        local = file.at.astimezone(self.zone)
        kept_by = set()
        for name, left in self.left.items():
            period = PERIODS[name](local) if name in PERIODS else ()
            if not left or (name in PERIODS and self.periods.get(name) == period):
                continue
            kept_by.add(name)
            if not file.damaged:
                self.left[name] = left - 1
                self.periods[name] = period
        return kept_by
