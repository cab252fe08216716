"""How long exports usually take, from what the team has seen lately."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import F

from exports import states
from exports.models import Export

# So many of the team's latest good exports are looked at: one short stretch of an index, whatever the history holds.
SAMPLE_SIZE: Final = 200
# Fewer than these of the same project say less than those of all the team's projects.
MIN_SAMPLES: Final = 3
UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class UsualDuration:
    """The seconds that most take: the fifth and the fourth fifth. `same`: of the same project, not of the kind."""

    low_seconds: float
    high_seconds: float
    same_project: bool

    def __str__(self) -> str:
        """In one unit, as people say it."""
        size, unit = next((one for one in UNITS if self.high_seconds >= one[0]), UNITS[-1])
        low, high = round(self.low_seconds / size), max(1, round(self.high_seconds / size))
        if low == 0:
            return f"up to {high} {unit}"
        return f"{low}\N{EN DASH}{high} {unit}" if low < high else f"about {high} {unit}"


def usual_durations(exports: Iterable[Export]) -> dict[int, UsualDuration]:
    """By number, what is usual for these exports of one team (loaded with their projects): one query, or none."""
    wanted = list(exports)
    if not wanted:
        return {}
    # A job that was watched from its middle on says nothing about a whole one.
    rows = Export.objects.filter(team_id=wanted[0].team_id, status=states.SUCCEEDED).exclude(trigger="adopt")
    rows = rows.annotate(lasted=F("finished_at") - F("created_at"))
    names = ("project_id", "project__credential__provider", "type", "lasted")
    of_project: dict[tuple[int, str], list[float]] = defaultdict(list)
    of_kind: dict[tuple[str, str], list[float]] = defaultdict(list)
    for project, provider, type_, lasted in rows.order_by("-pk").values_list(*names)[:SAMPLE_SIZE]:
        seconds = lasted.total_seconds()
        of_project[project, type_].append(seconds)
        of_kind[provider, type_].append(seconds)
    found: dict[int, UsualDuration] = {}
    for export in wanted:
        own = of_project[export.project_id, export.type]
        like = of_kind[export.project.credential.provider, export.type]
        if len(own) >= MIN_SAMPLES or len(like) >= MIN_SAMPLES:
            same = len(own) >= MIN_SAMPLES
            found[export.pk] = UsualDuration(*_middle(own if same else like), same)
    return found


def _middle(seconds: list[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return ordered[round(last * 0.2)], ordered[round(last * 0.8)]
