"""How fresh a team's copies are, and how much of them it keeps."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery, Sum

from exports import states
from exports.engine import clock
from exports.models import Export, File, Heartbeat, Project, Team
from exports.providers.registry import PROVIDERS

# A process that has not been heard of for so long is not there.
SILENT: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Kept:
    """The files a team keeps, and whether a worker is there."""

    bytes: int
    files: int
    worker: bool


def projects(rows: QuerySet[Project]) -> QuerySet[Project]:
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


def kept(team: Team) -> Kept:
    """What the team keeps, in one query."""
    files = File.objects.filter(team=OuterRef("pk"), deleted_at=None).order_by().values("team")
    alive = Heartbeat.objects.filter(name__startswith="worker:", at__gte=clock.now() - SILENT)
    found = (
        Team.objects.filter(pk=team.pk)
        .annotate(
            bytes=Subquery(files.annotate(total=Sum("size")).values("total")),
            files=Subquery(files.annotate(total=Count("pk")).values("total")),
            worker=Exists(alive),
        )
        .values_list("bytes", "files", "worker")
        .get()
    )
    return Kept(found[0] or 0, found[1] or 0, found[2])
