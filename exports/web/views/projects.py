"""A team's projects: the list, and adding some by picking from the provider's list or by typing an id."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from exports import access, states
from exports.engine import keep
from exports.engine.problem import InvalidError
from exports.models import Credential, Export, Member, Project
from exports.models.seal import SealError
from exports.providers.errors import ProviderError
from exports.web import show
from exports.web.asked import Asked, in_team

MOST_SHOWN: Final = 500
MOST_PICKED: Final = 200


@in_team()
def listing(request: Asked, member: Member) -> HttpResponseBase:
    """Every project, with its last good export."""
    good = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    rows = (
        access.projects(member)
        .annotate(last_good=Subquery(good.values("finished_at")[:1]))
        .order_by("credential__provider", "name", "pk")
    )
    context = {"section": "projects", "projects": list(rows[:MOST_SHOWN]), "empty_of": access.credentials(member)}
    return show.page(request, member, "projects/list.html", context)


@in_team(access.EXPORT)
def choose(request: Asked, member: Member) -> HttpResponseBase:
    """Which credential reaches the project."""
    credentials = list(access.credentials(member).order_by("provider", "name"))
    if len(credentials) == 1:
        return redirect("web:add-project-of", member.team.slug, credentials[0].pk)
    context = {"section": "projects", "credentials": credentials}
    return show.page(request, member, "projects/choose.html", context)


@in_team(access.EXPORT)
def add(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Adds what was picked and what was typed."""
    credential = access.credential(member, pk, access.EXPORT)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        added, errors = _add(request, credential)
        if added and not errors:
            messages.success(request, f"Added {', '.join(map(str, added))}.")
            return redirect("web:new" if len(added) == 1 else "web:projects", member.team.slug)
        if added:
            messages.success(request, f"Added {', '.join(map(str, added))}; the rest is named below.")
    context = {"section": "projects", "credential": credential, "errors": errors, "typed": request.POST}
    listed = _listed(credential) if "list" in request.GET else {}
    status = 422 if errors else 200
    return show.page(request, member, "projects/add.html", {**context, **listed}, status)


@in_team(access.EXPORT)
def there(request: Asked, member: Member, pk: int) -> HttpResponse:
    """What the provider lists, to pick from."""
    credential = access.credential(member, pk, access.EXPORT)
    return render(request, "projects/there.html", {"credential": credential, **_listed(credential)})


def _listed(credential: Credential) -> dict[str, Any]:
    try:
        found = keep.remote_projects(credential)[:MOST_SHOWN]
    except (ProviderError, SealError) as problem:
        return {"listed": True, "sorry": problem.message if isinstance(problem, ProviderError) else str(problem)}
    have = set(Project.objects.filter(credential=credential).values_list("remote_id", flat=True))
    return {"listed": True, "found": [(one, one.id in have) for one in found]}


def _add(request: Asked, credential: Credential) -> tuple[list[Project], dict[str, list[str]]]:
    """What could be added, and what is wrong with the rest: by the id that was picked, or by field."""
    wanted = [(id_, request.POST.get(f"name of {id_}", "")) for id_ in request.POST.getlist("picked")[:MOST_PICKED]]
    typed = request.POST.get("remote_id", "").strip()
    if not wanted and not typed:
        return [], {"remote_id": ["Pick a project from the list, or type its id here."]}
    added: list[Project] = []
    errors: dict[str, list[str]] = {}
    for id_, name in [*wanted, *([(typed, request.POST.get("name", ""))] if typed else [])]:
        try:
            added.append(keep.create_project(credential, request.user, remote_id=id_, name=name[:200]))
        except InvalidError as problem:
            for field, texts in problem.errors.items():
                errors[field if id_ == typed else id_] = texts
    return added, errors
