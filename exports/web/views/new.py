"""New exports: choose a project and a kind, fill in what the kind declares, ask."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from exports import access
from exports.engine import keep
from exports.engine.problem import ConflictError, InvalidError, TwinError
from exports.engine.request import Asker, request_once
from exports.models import Export, Member, Project
from exports.models.seal import SealError
from exports.providers.base import Kind
from exports.providers.errors import ProviderError
from exports.web import show
from exports.web.asked import Asked, in_team
from exports.web.forms import WishForms

MOST_PROJECTS: Final = 200
JUST_NOW: Final = timedelta(seconds=10)


@in_team(access.EXPORT)
def choose(request: Asked, member: Member) -> HttpResponseBase:
    """Which project, and which kind of export."""
    rows = access.projects(member).order_by("credential__provider", "name", "pk")
    projects = [project for project in rows[:MOST_PROJECTS] if _known(project)]
    if not projects and not access.credentials(member).exists():
        return redirect("web:add-credential", member.team.slug)
    return show.page(request, member, "new/choose.html", {"section": "new", "projects": projects})


@in_team(access.EXPORT)
def ask(request: Asked, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """The form, and the press of its button."""
    project, declared = _what(member, pk, kind)
    past = _past(request, member, project, declared)
    before = {**past.options, WishForms.FORMAT: past.format} if past else None
    wanted = WishForms(project, declared, request.POST if request.method == "POST" else None, before)
    twin: int | None = None
    problems: list[str] = []
    if wanted.posted and wanted.is_valid():
        try:
            return _asked(request, member, project, wanted)
        except InvalidError as problem:
            problems = wanted.take(problem.errors)
        except TwinError as problem:
            twin = problem.export_id
            wanted.offer_twin()
    context = _form(project, wanted) | {"problems": problems, "twin": twin, "past": past}
    if past is None and not wanted.posted:
        context["last"] = _last(project, declared)
    return show.page(request, member, "new/ask.html", context, 422 if wanted.posted else 200)


def _form(project: Project, wanted: WishForms) -> dict[str, Any]:
    return {
        "section": "new",
        "project": project,
        "kind": wanted.kind,
        "provider": project.provider,
        "form": wanted.form,
        "options": wanted.options,
        "groups": wanted.groups(),
    }


def _asked(request: Asked, member: Member, project: Project, wanted: WishForms) -> HttpResponseBase:
    """Asks for it, once however often the button was pressed. Raises InvalidError, TwinError."""
    asker = Asker(request.user)
    try:
        export = request_once(wanted.key, member, project, wanted.wish(), asker)
    except TwinError:
        raise
    except ConflictError:
        # The form was used before, changed and sent again: that is another wish.
        export = request_once(wanted.fresh_key(), member, project, wanted.wish(), asker)
    if export.created_at < timezone.now() - JUST_NOW:
        messages.info(request, _("You sent this form before; here is the export it asked for."))
    return redirect("web:export", member.team.slug, export.pk)


@in_team(access.EXPORT)
def choices(request: Asked, member: Member, pk: int, kind: str, option: str) -> HttpResponseBase:
    """Values of an option as the provider lists them; without them, the box to type in and a sentence."""
    project, declared = _what(member, pk, kind)
    if option not in declared.pickers:
        raise Http404(_("This option has no list."))
    # A form that came back with problems keeps the one of this field, also when the list takes the box's place.
    data = request.GET if "wrong" in request.GET else None
    wanted = WishForms(project, declared, data, {option: request.GET.get(f"options-{option}", "")})
    try:
        found = list(keep.choices(project, option))
    except (ProviderError, SealError) as problem:
        return _fragment(request, "new/picker.html", {"row": wanted.row(option), "sorry": _sentence(problem)})
    return _fragment(request, "new/picker.html", {"row": wanted.row(option, found), "sorry": "" if found else "none"})


@in_team(access.EXPORT)
def advice(request: Asked, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """What a look at the provider shows before the button is pressed, also before a retry (`from`). Advice only."""
    project, declared = _what(member, pk, kind)
    past = _past(request, member, project, declared)
    options = past.options if past else WishForms(project, declared, request.GET).cleaned()
    try:
        found = list(keep.preflight(project, declared.type, options))
    except (ProviderError, SealError) as problem:
        return _fragment(request, "new/advice.html", {"sorry": _sentence(problem)})
    return _fragment(request, "new/advice.html", {"advice": found, "provider": project.provider})


def _fragment(request: Asked, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context)


def _sentence(problem: ProviderError | SealError) -> str:
    return problem.message if isinstance(problem, ProviderError) else str(problem)


def _known(project: Project) -> bool:
    try:
        return bool(project.provider)
    except KeyError:
        return False


def _what(member: Member, pk: int, type_: str) -> tuple[Project, Kind]:
    """The project, and the kind of that type. Raises Http404."""
    project = access.project(member, pk, access.EXPORT)
    declared = project.provider.kind(type_) if _known(project) else None
    if declared is None:
        raise Http404(_("The project's provider has no such kind of export."))
    return project, declared


def _past(request: Asked, member: Member, project: Project, kind: Kind) -> Export | None:
    """The past export named by `from`, to begin with what it had; of this kind, of whichever project."""
    number = request.GET.get("from", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    provider = project.credential.provider
    past = access.exports(member).filter(pk=int(number), type=kind.type, project__credential__provider=provider)
    return past.first()


def _last(project: Project, kind: Kind) -> Export | None:
    """The latest export of the project and kind, where beginning with it would fill something in."""
    last = Export.objects.filter(project=project, type=kind.type).order_by("-pk").first()
    return last if last and (last.options or last.format != kind.formats[0]) else None
