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
from exports.credentials import service
from exports.crypto import CryptoError
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.create import Requester, create_export_once
from exports.models import Export, Member, Project
from exports.providers.contract import Kind
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.forms import NewExportForms

MAX_PROJECTS: Final = 200
REPEAT_NOTICE_AFTER: Final = timedelta(seconds=10)


@team_member_required(access.EXPORT)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Which project, and which kind of export."""
    rows = access.projects(member).order_by("credential__provider", "name", "pk")
    projects = [project for project in rows[:MAX_PROJECTS] if _known(project)]
    if not projects and not access.credentials(member).exists():
        return redirect("web:add-credential", member.team.slug)
    return rendering.render_page(request, member, "new/choose_project.html", {"section": "new", "projects": projects})


@team_member_required(access.EXPORT)
def export_form(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """The form, and the press of its button."""
    project, declared = _what(member, pk, kind)
    past = _past(request, member, project, declared)
    before = {**past.options, NewExportForms.FORMAT_KEY: past.format} if past else None
    wanted = NewExportForms(project, declared, request.POST if request.method == "POST" else None, before)
    duplicate: int | None = None
    problems: list[str] = []
    if wanted.is_bound and wanted.is_valid():
        try:
            return _asked(request, member, project, wanted)
        except InvalidError as problem:
            problems = wanted.add_errors(problem.errors)
        except DuplicateError as problem:
            duplicate = problem.export_id
            wanted.offer_duplicate()
    context = _form(project, wanted) | {"problems": problems, "duplicate": duplicate, "past": past}
    if past is None and not wanted.is_bound:
        context["last"] = _last(project, declared)
    return rendering.render_page(request, member, "new/export_form.html", context, 422 if wanted.is_bound else 200)


def _form(project: Project, wanted: NewExportForms) -> dict[str, Any]:
    return {
        "section": "new",
        "project": project,
        "kind": wanted.kind,
        "provider": project.provider,
        "form": wanted.form,
        "options": wanted.options,
        "groups": wanted.option_groups(),
    }


def _asked(request: SignedInRequest, member: Member, project: Project, wanted: NewExportForms) -> HttpResponseBase:
    """Asks for it, once however often the button was pressed. Raises InvalidError, TwinError."""
    asker = Requester(request.user)
    try:
        export = create_export_once(wanted.idempotency_key, member, project, wanted.to_request(), asker)
    except DuplicateError:
        raise
    except ConflictError:
        # The form was used before, changed and sent again: that is another wish.
        export = create_export_once(wanted.new_idempotency_key(), member, project, wanted.to_request(), asker)
    if export.created_at < timezone.now() - REPEAT_NOTICE_AFTER:
        messages.info(request, _("You sent this form before; here is the export it asked for."))
    return redirect("web:export", member.team.slug, export.pk)


@team_member_required(access.EXPORT)
def choices(request: SignedInRequest, member: Member, pk: int, kind: str, option: str) -> HttpResponseBase:
    """Values of an option as the provider lists them; without them, the box to type in and a sentence."""
    project, declared = _what(member, pk, kind)
    if option not in declared.options_with_choices:
        raise Http404(_("This option has no list."))
    # A form that came back with problems keeps the one of this field, also when the list takes the box's place.
    data = request.GET if "wrong" in request.GET else None
    wanted = NewExportForms(project, declared, data, {option: request.GET.get(f"options-{option}", "")})
    try:
        found = list(service.list_option_choices(project, option))
    except (ProviderError, CryptoError) as problem:
        return _fragment(
            request,
            "new/partials/option_picker.html",
            {"row": wanted.option_row(option), "unavailable_reason": _sentence(problem)},
        )
    return _fragment(
        request,
        "new/partials/option_picker.html",
        {"row": wanted.option_row(option, found), "unavailable_reason": "" if found else "none"},
    )


@team_member_required(access.EXPORT)
def preflight(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """What a look at the provider shows before the button is pressed, also before a retry (`from`). Advice only."""
    project, declared = _what(member, pk, kind)
    past = _past(request, member, project, declared)
    options = past.options if past else NewExportForms(project, declared, request.GET).cleaned_options()
    try:
        found = list(service.preflight(project, declared.type, options))
    except (ProviderError, CryptoError) as problem:
        return _fragment(request, "new/partials/preflight.html", {"unavailable_reason": _sentence(problem)})
    return _fragment(request, "new/partials/preflight.html", {"advice": found, "provider": project.provider})


def _fragment(request: SignedInRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, context)


def _sentence(problem: ProviderError | CryptoError) -> str:
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


def _past(request: SignedInRequest, member: Member, project: Project, kind: Kind) -> Export | None:
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
