"""The age of the latest good copy of each project, and the credentials that cannot make new ones."""

from typing import Final

from django.db.models import F, OuterRef, QuerySet, Subquery

from exports import states
from exports.models import Credential, Export, Project, Team
from exports.providers.registry import PROVIDERS

MAX_REFUSED_CREDENTIALS: Final = 10


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


def with_latest_result(rows: QuerySet[Project]) -> QuerySet[Project]:
    """Annotates projects with `latest_message`: the error message of the latest export that ended, or "" or None."""
    ended = Export.objects.filter(project=OuterRef("pk"), status__in=sorted(states.ENDED)).order_by("-pk")
    return rows.annotate(latest_message=Subquery(ended.values("error_message")[:1]))


def is_without_access(latest_message: str | None) -> bool:
    """Whether the message of a project's latest ended export says that its credential has no access to the project."""
    return (latest_message or "").startswith(states.NO_ACCESS)


def refused_credentials(team: Team) -> list[Credential]:
    """The team's credentials that the provider refused altogether (401), or whose last test failed, by name.

    A 403 of one project is not among these errors: `is_without_access`.
    """
    rows = Credential.objects.filter(team=team).exclude(last_error="").order_by("name")
    return list(rows.only("pk", "team_id", "name", "provider", "last_error")[:MAX_REFUSED_CREDENTIALS])
