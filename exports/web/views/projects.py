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
from exports.credentials import service
from exports.crypto import CryptoError
from exports.errors import InvalidError
from exports.models import Credential, Export, Member, Project
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required

MAX_SHOWN: Final = 500
MAX_PICKED: Final = 500
LATEST_EXPORTS: Final = 10


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Every project, with its last good export."""
    good = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    rows = (
        access.projects(member)
        .annotate(last_good=Subquery(good.values("finished_at")[:1]))
        .order_by("credential__provider", "name", "pk")
    )
    context = {"section": "projects", "projects": list(rows[:MAX_SHOWN]), "empty_of": access.credentials(member)}
    return rendering.render_page(request, member, "projects/list.html", context)


@team_member_required(access.EXPORT)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Which credential reaches the project."""
    credentials = list(access.credentials(member).order_by("provider", "name"))
    if len(credentials) == 1:
        return redirect("web:add-project-of", member.team.slug, credentials[0].pk)
    context = {"section": "projects", "credentials": credentials}
    return rendering.render_page(request, member, "projects/choose_credential.html", context)


@team_member_required()
def project(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """What is known of it, its latest exports, and its name to be changed."""
    one = access.project(member, pk)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        access.require(member, access.EXPORT)
        try:
            service.rename_project(one, request.user, request.POST.get("name", ""))
        except InvalidError as problem:
            errors = problem.errors
        else:
            messages.success(request, _("It is called %(project)s now.") % {"project": one})
            return redirect("web:project", member.team.slug, pk)
    rows = access.exports(member).filter(project=one).order_by("-pk")
    good = rows.filter(status=states.SUCCEEDED).first()
    context = {"project": one, "errors": errors, "typed": request.POST.get("name", one.name), "good": good}
    context |= {"section": "projects", "rows": list(rows[:LATEST_EXPORTS])}
    return rendering.render_page(request, member, "projects/detail.html", context, 422 if errors else 200)


@team_member_required(access.EXPORT)
def add(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
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
    return rendering.render_page(request, member, "projects/add.html", {**context, **listed}, 422 if errors else 200)


@team_member_required(access.EXPORT)
def remote_projects(request: SignedInRequest, member: Member, pk: int) -> HttpResponse:
    """What the provider lists, to pick from."""
    credential = access.credential(member, pk, access.EXPORT)
    return render(request, "projects/partials/remote_projects.html", {"credential": credential, **_listed(credential)})


def _listed(credential: Credential) -> dict[str, Any]:
    try:
        found = service.list_remote_projects(credential)
    except (ProviderError, CryptoError) as problem:
        return {
            "listed": True,
            "unavailable_reason": problem.message if isinstance(problem, ProviderError) else str(problem),
        }
    have = set(Project.objects.filter(credential=credential).values_list("remote_id", flat=True))
    shown = [(one, one.id in have) for one in found[:MAX_SHOWN]]
    return {"listed": True, "found": shown, "more": len(found) - len(shown)}


def _add(request: SignedInRequest, credential: Credential) -> tuple[list[Project], dict[str, list[str]]]:
    """What could be added, and what is wrong with the rest: by the name that was picked, or by field."""
    picked = dict.fromkeys(request.POST.getlist("picked")[:MAX_PICKED])
    typed = request.POST.get("remote_id", "").strip()
    if not picked and not typed:
        return [], {"remote_id": [_("Pick a project from the list, or type its id here.")]}
    added: list[Project] = []
    errors: dict[str, list[str]] = {}
    for id_ in [*picked, *([typed] if typed and typed not in picked else [])]:
        name = request.POST.get(f"name of {id_}" if id_ in picked else "name", "")[:200]
        try:
            remote_id = id_ if id_ in picked else service.parse_remote_id(credential.provider_definition, id_)
            added.append(service.create_project(credential, request.user, remote_id=remote_id, name=name))
        except InvalidError as problem:
            for field, texts in problem.errors.items():
                errors[f"{name or id_}" if id_ in picked else field] = texts
    return added, errors


def _tell(request: SignedInRequest, added: list[Project], errors: dict[str, list[str]]) -> None:
    """The summary: what is here now, and what is not."""
    said = ngettext("Added %(names)s.", "Added %(count)s projects: %(names)s.", len(added))
    messages.success(request, said % {"count": len(added), "names": ", ".join(map(str, added))})
    for name, texts in errors.items():
        what = request.POST.get("remote_id", "").strip() if name in ("remote_id", "name") else name
        messages.warning(request, _("Skipped %(what)s: %(why)s") % {"what": what, "why": " ".join(texts)})
