"""A team's projects: the list, one project, and adding some: picked from the provider's list, or by id or address."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access, states
from exports.engine import keep
from exports.engine.problem import InvalidError
from exports.models import Credential, Export, Member, Project
from exports.models.seal import SealError
from exports.providers.errors import ProviderError
from exports.web import show
from exports.web.asked import Asked, in_team

MOST_SHOWN: Final = 500
MOST_PICKED: Final = 500
LATEST: Final = 10


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


@in_team()
def project(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """What is known of it, its latest exports, and its name to be changed."""
    one = access.project(member, pk)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        access.need(member, access.EXPORT)
        try:
            keep.rename_project(one, request.user, request.POST.get("name", ""))
        except InvalidError as problem:
            errors = problem.errors
        else:
            messages.success(request, _("It is called %(project)s now.") % {"project": one})
            return redirect("web:project", member.team.slug, pk)
    rows = access.exports(member).filter(project=one).order_by("-pk")
    good = rows.filter(status=states.SUCCEEDED).first()
    context = {"project": one, "errors": errors, "typed": request.POST.get("name", one.name), "good": good}
    context |= {"section": "projects", "rows": list(rows[:LATEST])}
    return show.page(request, member, "projects/project.html", context, 422 if errors else 200)


@in_team(access.EXPORT)
def add(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Adds what was picked and what was typed, and says what was skipped and why."""
    credential = access.credential(member, pk, access.EXPORT)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        added, errors = _add(request, credential)
        if added:
            _tell(request, added, errors)
            return redirect("web:new" if len(added) == 1 and not errors else "web:projects", member.team.slug)
    context = {"section": "projects", "credential": credential, "errors": errors, "typed": request.POST}
    # Without scripts, what was picked must be there to be seen again.
    listed = _listed(credential) if "list" in request.GET or request.POST.getlist("picked") else {}
    context["picked"] = request.POST.getlist("picked")
    return show.page(request, member, "projects/add.html", {**context, **listed}, 422 if errors else 200)


@in_team(access.EXPORT)
def there(request: Asked, member: Member, pk: int) -> HttpResponse:
    """What the provider lists, to pick from."""
    credential = access.credential(member, pk, access.EXPORT)
    return render(request, "projects/there.html", {"credential": credential, **_listed(credential)})


def _listed(credential: Credential) -> dict[str, Any]:
    try:
        found = keep.remote_projects(credential)
    except (ProviderError, SealError) as problem:
        return {"listed": True, "sorry": problem.message if isinstance(problem, ProviderError) else str(problem)}
    have = set(Project.objects.filter(credential=credential).values_list("remote_id", flat=True))
    shown = [(one, one.id in have) for one in found[:MOST_SHOWN]]
    return {"listed": True, "found": shown, "more": len(found) - len(shown)}


def _add(request: Asked, credential: Credential) -> tuple[list[Project], dict[str, list[str]]]:
    """What could be added, and what is wrong with the rest: by the name that was picked, or by field."""
    picked = dict.fromkeys(request.POST.getlist("picked")[:MOST_PICKED])
    typed = request.POST.get("remote_id", "").strip()
    if not picked and not typed:
        return [], {"remote_id": [_("Pick a project from the list, or type its id here.")]}
    added: list[Project] = []
    errors: dict[str, list[str]] = {}
    for id_ in [*picked, *([typed] if typed and typed not in picked else [])]:
        name = request.POST.get(f"name of {id_}" if id_ in picked else "name", "")[:200]
        try:
            remote_id = id_ if id_ in picked else keep.remote_id_in(credential.declared, id_)
            added.append(keep.create_project(credential, request.user, remote_id=remote_id, name=name))
        except InvalidError as problem:
            for field, texts in problem.errors.items():
                errors[f"{name or id_}" if id_ in picked else field] = texts
    return added, errors


def _tell(request: Asked, added: list[Project], errors: dict[str, list[str]]) -> None:
    """The summary: what is here now, and what is not."""
    said = ngettext("Added %(names)s.", "Added %(count)s projects: %(names)s.", len(added))
    messages.success(request, said % {"count": len(added), "names": ", ".join(map(str, added))})
    for name, texts in errors.items():
        what = request.POST.get("remote_id", "").strip() if name in ("remote_id", "name") else name
        messages.warning(request, _("Skipped %(what)s: %(why)s") % {"what": what, "why": " ".join(texts)})
