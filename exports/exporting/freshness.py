"""How fresh a team's copies are, and whether anybody makes new ones."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from exports import clock, states
from exports.models import Credential, Export, Heartbeat, Project, Team
from exports.providers.registry import PROVIDERS

# A process that has not been heard of for so long is not there.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=60)
MAX_REFUSED_CREDENTIALS: Final = 10


@dataclass(frozen=True)
class TeamHealth:
    """Whether a worker is there, and the credentials that were refused last."""

    worker_alive: bool
    refused_credentials: list[Credential]


def projects_by_freshness(rows: QuerySet[Project]) -> QuerySet[Project]:
    """Projects with their `last_good` export (time) and its number, those that never had one first, then the oldest.

    Projects of which nothing can be copied have no copy that could grow old, and are left out.
    """
    copied = [slug for slug, provider in PROVIDERS.items() if any(kind.has_file for kind in provider.kinds)]
    good = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    return (
        rows.filter(credential__provider__in=copied)
        .annotate(last_good=Subquery(good.values("finished_at")[:1]), last_good_id=Subquery(good.values("pk")[:1]))
        .order_by(F("last_good").asc(nulls_first=True), "name", "pk")
    )


def get_team_health(team: Team) -> TeamHealth:
    """How a team's exports are served, in one query."""
    alive = Heartbeat.objects.filter(name__startswith="worker:", at__gte=clock.now() - HEARTBEAT_TIMEOUT)
    refused = FilteredRelation("credential", condition=~Q(credential__last_error=""))
    columns = ("pk", "name", "provider", "last_error")
    found = (
        Team.objects.filter(pk=team.pk)
        .annotate(worker_alive=Exists(alive), refused=refused)
        .order_by("refused__name")
        .values_list("worker", *(f"refused__{column}" for column in columns))
    )
    rows = list(found[:MAX_REFUSED_CREDENTIALS])
    refused_credentials = [
        Credential(team=team, **dict(zip(columns, row[1:], strict=True))) for row in rows if row[1] is not None
    ]
    return TeamHealth(rows[0][0], refused_credentials)
