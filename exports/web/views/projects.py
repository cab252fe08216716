"""Pages of a team's projects: list, detail and rename, add from the provider's list or by id or address."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access, states
from exports.credentials import service
from exports.credentials.resolve_project import resolve_project
from exports.crypto import CryptoError
from exports.errors import ConflictError, InvalidError
from exports.exporting import freshness
from exports.models import Credential, Export, Member, Project, RetentionRule
from exports.preview import comparison
from exports.providers.contract import RemoteProject
from exports.providers.registry import NotInstalledError
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.project_list import project_list_context

MAX_SHOWN: Final = 500
MAX_PICKED: Final = 500
LATEST_EXPORTS: Final = 10
MAX_SCHEDULES: Final = 20


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the projects, each with the time of its last good export; search and page are in the query string."""
    context = project_list_context(member, request.GET)
    return rendering.render_page(request, member, "projects/list.html", context)


@team_member_required(access.EXPORT)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the credentials to choose from; a single one is chosen at once."""
    credentials = list(access.credentials(member).order_by("provider", "name"))
    if len(credentials) == 1:
        return redirect("web:add-project-of", member.team.slug, credentials[0].pk)
    context = {"section": "projects", "credentials": credentials}
    return rendering.render_page(request, member, "projects/choose_credential.html", context)


@team_member_required()
def project(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a project, an archived one too; a POST renames it, corrects its id, archives it or brings it back."""
    project = access.project(member, pk, with_archived=True)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        access.require(member, access.EXPORT)
        try:
            messages.success(request, _change(request, project))
        except InvalidError as problem:
            errors = problem.errors
        except ConflictError as problem:
            messages.warning(request, f"{problem}")
            return redirect("web:project", member.team.slug, pk)
        else:
            return redirect("web:project", member.team.slug, pk)
    exports = access.exports(member).filter(project=project).order_by("-pk")
    latest = list(exports[:LATEST_EXPORTS])
    kept = list(exports.filter(**comparison.KEPT)[:LATEST_EXPORTS])
    context = {
        "section": "projects",
        "project": project,
        "errors": errors,
        "typed_name": request.POST.get("name", project.name),
        "typed_id": request.POST.get("remote_id", project.remote_id),
        "own_retention": RetentionRule.objects.filter(project=project).exists(),
        "typed_hours": request.POST.get("fresh_within_hours", project.fresh_within_hours or ""),
        "makes_copies": freshness.has_copies(project),
        "last_good": exports.filter(status=states.SUCCEEDED).first(),
        "latest_exports": latest,
        "schedules": access.schedules(member).filter(project=project).order_by("-pk")[:MAX_SCHEDULES],
        "latest_message": next((export.error_message for export in latest if not export.is_open), ""),
        "comparable": kept,
        "preselected": _newest_pair(kept),
        "open_exports": [export for export in latest if export.is_open],
    }
    return rendering.render_page(request, member, "projects/detail.html", context, 422 if errors else 200)


def _newest_pair(exports: Sequence[Export]) -> list[int]:
    """The ids of the newest export and the newest one before it of the same kind; none where there is no such one."""
    for latest in exports[:1]:
        same = (latest.type, latest.format, latest.options_key)
        for earlier in exports[1:]:
            if (earlier.type, earlier.format, earlier.options_key) == same:
                return [latest.pk, earlier.pk]
    return []


def _change(request: SignedInRequest, project: Project) -> str:
    """Does what the form asks for; returns the sentence about it. Raises InvalidError, ConflictError."""
    if "archive" in request.POST:
        service.archive_project(project, request.user)
        return _("Archived %(project)s. Its history stays.") % {"project": project}
    if "fresh_within_hours" in request.POST:
        return _set_target(request, project)
    if "bring-back" in request.POST:
        service.create_project(project.credential, request.user, remote_id=project.remote_id)
        return _("Restored %(project)s") % {"project": project}
    if "remote_id" in request.POST:
        service.correct_project_id(project, request.user, request.POST["remote_id"])
        return _("Its id is now %(id)s") % {"id": project.remote_id}
    service.rename_project(project, request.user, request.POST.get("name", ""))
    return _("Renamed to %(project)s") % {"project": project}


def _set_target(request: SignedInRequest, project: Project) -> str:
    """Sets the freshness target; returns the sentence about it. Raises InvalidError."""
    typed = request.POST["fresh_within_hours"].strip()
    if typed and not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise InvalidError({"fresh_within_hours": [_("Give a whole number of hours.")]})
    freshness.set_target(project, request.user, int(typed) if typed else None)
    if project.fresh_within_hours is None:
        return _("%(project)s has no target any more") % {"project": project}
    hours = {"hours": project.fresh_within_hours}
    return _("The last good export may be %(hours)s hours old.") % hours


@team_member_required(access.EXPORT)
def add(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Adds the picked and the typed projects, and reports those that were skipped, with the reason."""
    credential = access.credential(member, pk, access.EXPORT)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        added, errors = _add_projects(request, credential)
        if added:
            _add_messages(request, added, errors)
            return redirect("web:new" if len(added) == 1 and not errors else "web:projects", member.team.slug)
    context = {"section": "projects", "credential": credential, "errors": errors, "typed": request.POST}
    # Without scripts the page must contain the list again, with the picked projects checked.
    remote_list = _remote_list_context(credential) if "list" in request.GET or request.POST.getlist("picked") else {}
    context["picked"] = request.POST.getlist("picked")
    return rendering.render_page(
        request, member, "projects/add.html", {**context, **remote_list}, 422 if errors else 200
    )


@team_member_required(access.EXPORT)
def remote_projects(request: SignedInRequest, member: Member, pk: int) -> HttpResponse:
    """Returns the fragment with the projects that the provider lists."""
    credential = access.credential(member, pk, access.EXPORT)
    return render(
        request,
        "projects/partials/remote_projects.html",
        {"credential": credential, **_remote_list_context(credential)},
    )


def _remote_list_context(credential: Credential) -> dict[str, Any]:
    """Calls the provider and returns the context of remote_projects.html."""
    try:
        projects = service.list_remote_projects(credential)
    except (ProviderError, CryptoError, NotInstalledError) as problem:
        return {
            "is_listed": True,
            "unavailable_reason": problem.message if isinstance(problem, ProviderError) else str(problem),
        }
    # An archived one can be picked, which brings it back.
    live = Project.objects.filter(credential=credential, archived_at=None)
    added_ids = set(live.values_list("remote_id", flat=True))
    shown = [(project, project.id in added_ids) for project in projects[:MAX_SHOWN]]
    return {"is_listed": True, "remote_projects": shown, "omitted_count": len(projects) - len(shown)}


def _add_projects(request: SignedInRequest, credential: Credential) -> tuple[list[Project], dict[str, list[str]]]:
    """Returns the projects that were added, and the errors of the others, keyed by picked name or by form field."""
    picked = dict.fromkeys(request.POST.getlist("picked")[:MAX_PICKED])
    typed = request.POST.get("remote_id", "").strip()
    if not picked and not typed:
        return [], {"remote_id": [_("Pick a project from the list, or type its id here.")]}
    added: list[Project] = []
    errors: dict[str, list[str]] = {}
    for id_ in [*picked, *([typed] if typed and typed not in picked else [])]:
        name = request.POST.get(f"name of {id_}" if id_ in picked else "name", "")[:200]
        try:
            project = RemoteProject(id_, "") if id_ in picked else resolve_project(credential, id_)
            name = name.strip() or project.name
            added.append(service.create_project(credential, request.user, remote_id=project.id, name=name))
        except InvalidError as problem:
            for field, texts in problem.errors.items():
                errors[f"{name or id_}" if id_ in picked else field] = texts
    return added, errors


def _add_messages(request: SignedInRequest, added: list[Project], errors: dict[str, list[str]]) -> None:
    """Adds messages that name the added projects and each skipped one with its reason."""
    text = ngettext("Added %(names)s", "Added %(count)s projects: %(names)s", len(added))
    messages.success(request, text % {"count": len(added), "names": ", ".join(map(str, added))})
    for name, texts in errors.items():
        what = request.POST.get("remote_id", "").strip() if name in ("remote_id", "name") else name
        messages.warning(request, _("Skipped %(what)s: %(why)s") % {"what": what, "why": " ".join(texts)})
