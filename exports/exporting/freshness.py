"""The age of the latest good copy of each project, and whether workers and credentials can make new copies."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Exists, F, FilteredRelation, OuterRef, Q, QuerySet, Subquery

from exports import clock, states
from exports.models import Credential, Export, Heartbeat, Project, Team
from exports.providers.registry import PROVIDERS

# A worker whose last heartbeat is older than this counts as gone.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=60)
MAX_REFUSED_CREDENTIALS: Final = 10


@dataclass(frozen=True)
class TeamHealth:
    """Whether a worker is alive, and the credentials with an error at their last use."""

    worker_alive: bool
    refused_credentials: list[Credential]


def projects_by_freshness(rows: QuerySet[Project]) -> QuerySet[Project]:
    """Annotates projects with `last_good` (when the latest successful export ended) and `last_good_id`.

    Projects without a good copy come first, then the oldest copies. Projects of providers without any kind that has a
    file are left out, because they have no copy that could age.
    """
    with_files = [slug for slug, provider in PROVIDERS.items() if any(kind.has_file for kind in provider.kinds)]
    good = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    return (
        rows.filter(credential__provider__in=with_files)
        .annotate(last_good=Subquery(good.values("finished_at")[:1]), last_good_id=Subquery(good.values("pk")[:1]))
        .order_by(F("last_good").asc(nulls_first=True), "name", "pk")
    )


def get_team_health(team: Team) -> TeamHealth:
    """Returns the state of the workers and of the team's credentials, in one query."""
    alive = Heartbeat.objects.filter(name__startswith="worker:", at__gte=clock.now() - HEARTBEAT_TIMEOUT)
    refused = FilteredRelation("credential", condition=~Q(credential__last_error=""))
    columns = ("pk", "name", "provider", "last_error")
    joined_rows = (
        Team.objects.filter(pk=team.pk)
        .annotate(worker_alive=Exists(alive), refused=refused)
        .order_by("refused__name")
        .values_list("worker_alive", *(f"refused__{column}" for column in columns))
    )
    rows = list(joined_rows[:MAX_REFUSED_CREDENTIALS])
    refused_credentials = [
        Credential(team=team, **dict(zip(columns, row[1:], strict=True))) for row in rows if row[1] is not None
    ]
    return TeamHealth(rows[0][0], refused_credentials)
