"""How long exports usually take, estimated from the team's latest successful exports."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import F

from exports import states
from exports.models import Export

# The sample is the team's latest successful exports: a bounded index range, whatever the length of the history.
SAMPLE_SIZE: Final = 200
# With fewer samples of the same project, the estimate uses all the team's projects of the same kind.
MIN_SAMPLES: Final = 3
UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class UsualDuration:
    """The 20th and the 80th percentile, in seconds.

    `same_project`: estimated from exports of the same project, not from all exports of the kind.
    """

    low_seconds: float
    high_seconds: float
    same_project: bool

    def __str__(self) -> str:
        """The range in one unit, with an en dash between low and high."""
        size, unit = next(((size, unit) for size, unit in UNITS if self.high_seconds >= size), UNITS[-1])
        low, high = round(self.low_seconds / size), max(1, round(self.high_seconds / size))
        if low == 0:
            return f"up to {high} {unit}"
        return f"{low}\N{EN DASH}{high} {unit}" if low < high else f"about {high} {unit}"


def usual_durations(exports: Iterable[Export]) -> dict[int, UsualDuration]:
    """Returns the usual durations by export id, for exports of one team with their projects loaded.

    Makes one query, or none for no exports. Exports without enough samples are not in the result.
    """
    rows_to_estimate = list(exports)
    if not rows_to_estimate:
        return {}
    # An adopted job was followed only from somewhere in its middle, so its duration is too short.
    rows = Export.objects.filter(team_id=rows_to_estimate[0].team_id, status=states.SUCCEEDED).exclude(trigger="adopt")
    rows = rows.annotate(lasted=F("finished_at") - F("created_at"))
    names = ("project_id", "project__credential__provider", "type", "lasted")
    of_project: dict[tuple[int, str], list[float]] = defaultdict(list)
    of_kind: dict[tuple[str, str], list[float]] = defaultdict(list)
    for project, provider, type_, lasted in rows.order_by("-pk").values_list(*names)[:SAMPLE_SIZE]:
        seconds = lasted.total_seconds()
        of_project[project, type_].append(seconds)
        of_kind[provider, type_].append(seconds)
    durations: dict[int, UsualDuration] = {}
    for export in rows_to_estimate:
        project_samples = of_project[export.project_id, export.type]
        kind_samples = of_kind[export.project.credential.provider, export.type]
        same_project = len(project_samples) >= MIN_SAMPLES
        samples = project_samples if same_project else kind_samples
        if len(samples) >= MIN_SAMPLES:
            durations[export.pk] = UsualDuration(*_percentiles_20_80(samples), same_project)
    return durations


def _percentiles_20_80(seconds: list[float]) -> tuple[float, float]:
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return ordered[round(last * 0.2)], ordered[round(last * 0.8)]
