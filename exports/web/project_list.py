"""The context of the list of projects: search, archived ones, pages."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import QueryDict
from django.utils.http import urlencode

from exports import access, states
from exports.exporting import freshness
from exports.exporting.filters import MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS
from exports.models import Credential, Export, Member, Project

PAGE_SIZE: Final = 50
SEARCHED_FIELDS: Final = ("name", "remote_id", "credential__name", "credential__provider")


def project_list_context(member: Member, data: QueryDict) -> dict[str, Any]:
    """Returns the context for this query string, in three queries: how many there are, the page, what else there is."""
    q, is_archived = data.get("q", "")[:MAX_SEARCH_LENGTH].replace("\0", ""), data.get("state") == "archived"
    found = search_projects(access.projects(member, with_archived=True).filter(archived_at__isnull=not is_archived), q)
    page = Paginator(found.order_by("credential__provider", "name", "pk"), PAGE_SIZE).get_page(data.get("page"))
    page.object_list = _with_results(page.object_list)
    kept = urlencode({name: value for name, value in (("q", q), ("state", "archived" if is_archived else "")) if value})
    return {
        "section": "projects",
        "page": page,
        "projects": page.object_list,
        "q": q,
        "is_archived": is_archived,
        "kept_query": f"{kept}&" if kept else "",
        **_what_else(member),
    }


def search_projects(rows: QuerySet[Project], q: str) -> QuerySet[Project]:
    """Returns the projects that have every word in their name or id, or in their credential's name or provider."""
    for word in q.split()[:MAX_SEARCH_WORDS]:
        condition = Q()
        for field in SEARCHED_FIELDS:
            condition |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(condition)
    return rows


def _with_results(rows: Any) -> list[Project]:
    """Adds the time of the last good export and the message of the latest one; for the shown rows alone."""
    succeeded = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    return list(freshness.with_latest_result(rows).annotate(last_good=Subquery(succeeded.values("finished_at")[:1])))


def _what_else(member: Member) -> dict[str, Any]:
    """Whether there are archived projects, others, and a credential."""
    every = Project.objects.filter(team=member.team_id)
    here = {
        "has_archived": Exists(every.exclude(archived_at=None)),
        "has_projects": Exists(every.filter(archived_at=None)),
        "has_credentials": Exists(Credential.objects.filter(team=member.team_id, deleted_at=None)),
    }
    return dict(Member.objects.filter(pk=member.pk).annotate(**here).values(*here).get())
