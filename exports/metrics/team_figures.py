"""How much one team asks for and keeps."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count

from exports import clock, states
from exports.metrics.quotas import percent_kept
from exports.models import Export, Team

WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True)
class TeamFigures:
    """Exports that are open now, and those requested within WITHIN by status; what it keeps of its quota."""

    open: int
    requested: int
    failed: int
    percent_kept: int | None


def team_figures(team: Team) -> TeamFigures:
    """Returns the figures of a team, in two queries over its open exports and its last week."""
    rows = Export.objects.filter(team=team)
    lately = rows.filter(created_at__gte=clock.now() - WITHIN).values_list("status").annotate(Count("pk")).order_by()
    counts = dict(lately)
    return TeamFigures(
        open=rows.filter(status__in=sorted(states.OPEN)).count(),
        requested=sum(counts.values()),
        failed=counts.get(states.FAILED, 0),
        percent_kept=percent_kept(team),
    )
