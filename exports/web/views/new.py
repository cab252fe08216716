"""Pages for a new export: choice of project and kind, the form, and its htmx fragments (option lists, preflight)."""

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from exports import access
from exports.credentials import service
from exports.crypto import CryptoError
from exports.errors import ArchivedError, ConflictError, DuplicateError, InvalidError, PausedError
from exports.exporting.create import Requester, create_export_once
from exports.models import Export, Member, Project
from exports.providers.contract import Kind
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.forms import NewExportForms

MAX_PROJECTS: Final = 200
MAX_RECENT_CHECKED: Final = 30
MAX_RECENT: Final = 4
REPEAT_NOTICE_AFTER: Final = timedelta(seconds=10)


@team_member_required(access.EXPORT)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists projects with the kinds of export they offer."""
    projects = projects_to_export(member)
    if not projects and not access.credentials(member).exists():
        return redirect("web:add-credential", member.team.slug)
    context = {"section": "new", "projects": projects, "recent_exports": _recent_exports(member)}
    return rendering.render_page(request, member, "new/choose_project.html", context)


def _recent_exports(member: Member) -> list[Export]:
    """Returns the member's latest exports, one of each project and kind, for asking for them again."""
    rows = access.exports(member).filter(user=member.user, project__archived_at=None).order_by("-pk")
    latest: dict[tuple[int, str], Export] = {}
    for row in rows.select_related("project__credential")[:MAX_RECENT_CHECKED]:
        latest.setdefault((row.project_id, row.type), row)
    return list(latest.values())[:MAX_RECENT]


@team_member_required(access.EXPORT)
def export_form(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """Shows the form; on POST creates the export."""
    project, declared = project_and_kind(member, pk, kind)
    source = source_export(request, member, project, declared)
    initial = {**source.options, NewExportForms.FORMAT_KEY: source.format} if source else None
    data, preset = request.POST if request.method == "POST" else None, request.GET.get("preset", "")
    forms = NewExportForms(project, declared, data, initial, preset)
    duplicate: int | None = None
    problems: list[str] = []
    if forms.is_bound and forms.is_valid():
        try:
            return _create(request, member, project, forms)
        except InvalidError as problem:
            problems = forms.add_errors(problem.errors)
        except DuplicateError as problem:
            duplicate = problem.export_id
        except (ArchivedError, PausedError) as problem:
            messages.warning(request, f"{problem}")
            return redirect("web:project", member.team.slug, pk)
    context = _form_context(project, forms)
    context |= {"problems": problems, "duplicate": duplicate, "source_export": source}
    if source is None and not forms.is_bound and not preset:
        context["latest_export"] = _latest_export(project, declared)
    return rendering.render_page(request, member, "new/export_form.html", context, 422 if forms.is_bound else 200)


def _form_context(project: Project, forms: NewExportForms) -> dict[str, Any]:
    return {
        "section": "new",
        "project": project,
        "kind": forms.kind,
        "provider": project.provider,
        "form": forms.form,
        "options": forms.options,
        "option_groups": forms.option_groups(),
        "presets": forms.presets,
    }


def _create(request: SignedInRequest, member: Member, project: Project, forms: NewExportForms) -> HttpResponseBase:
    """Creates the export once, even if the form is sent twice.

    Raises InvalidError, ArchivedError, PausedError, DuplicateError.
    """
    requester = Requester(request.user)
    try:
        export = create_export_once(forms.idempotency_key, member, project, forms.to_request(), requester)
    except (ArchivedError, PausedError, DuplicateError):
        raise
    except ConflictError:
        # The form was sent before with other values (browser's back button), so this is a new request.
        export = create_export_once(forms.new_idempotency_key(), member, project, forms.to_request(), requester)
    if export.created_at < timezone.now() - REPEAT_NOTICE_AFTER:
        messages.info(request, _("Already requested. This is it."))
    return redirect("web:export", member.team.slug, export.pk)


@team_member_required(access.EXPORT)
def choices(request: SignedInRequest, member: Member, pk: int, kind: str, option: str) -> HttpResponseBase:
    """Returns the fragment of an option's field: the values that the provider lists, or a text input and the reason."""
    project, declared = project_and_kind(member, pk, kind)
    if option not in declared.options_with_choices:
        raise Http404(_("This option has no list."))
    # The fragment replaces the field of a form that may have errors; binding the form shows this field's error again.
    data = request.GET if "wrong" in request.GET else None
    forms = NewExportForms(project, declared, data, {option: request.GET.get(f"options-{option}", "")})
    try:
        listed = list(service.list_option_choices(project, option))
    except (ProviderError, CryptoError) as problem:
        context = {"row": forms.option_row(option), "unavailable_reason": _error_text(problem)}
    else:
        context = {"row": forms.option_row(option, listed), "unavailable_reason": ""}
    return render(request, "new/partials/option_picker.html", context)


@team_member_required(access.EXPORT)
def preflight(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """Returns the fragment that says whether the provider would accept the export; `from`: before a retry. Advisory."""
    project, declared = project_and_kind(member, pk, kind)
    source = source_export(request, member, project, declared)
    options = source.options if source else NewExportForms(project, declared, request.GET).cleaned_options()
    context: dict[str, Any]
    try:
        context = {"checks": list(service.preflight(project, declared.type, options))}
    except (ProviderError, CryptoError) as problem:
        context = {"unavailable_reason": _error_text(problem)}
    return render(request, "new/partials/preflight.html", context)


def _error_text(problem: ProviderError | CryptoError) -> str:
    return problem.message if isinstance(problem, ProviderError) else str(problem)


def projects_to_export(member: Member) -> list[Project]:
    """Returns the projects that take new exports, by provider and name."""
    rows = access.projects(member).order_by("credential__provider", "name", "pk")
    return [project for project in rows[:MAX_PROJECTS] if _has_provider(project)]


def _has_provider(project: Project) -> bool:
    """Whether the portal still has the project's provider."""
    try:
        return bool(project.provider)
    except KeyError:
        return False


def project_and_kind(member: Member, pk: int, type_: str) -> tuple[Project, Kind]:
    """Returns the project and its provider's kind of that type. Raises Http404."""
    project = access.project(member, pk, access.EXPORT)
    declared = project.provider.kind(type_) if _has_provider(project) else None
    if declared is None:
        raise Http404(_("The project's provider has no such kind of export."))
    return project, declared


def source_export(request: SignedInRequest, member: Member, project: Project, kind: Kind) -> Export | None:
    """Returns the export of this provider and kind that `from` names; its values fill in the form."""
    number = request.GET.get("from", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    provider = project.credential.provider
    exports = access.exports(member).filter(pk=int(number), type=kind.type, project__credential__provider=provider)
    return exports.first()


def _latest_export(project: Project, kind: Kind) -> Export | None:
    """Returns the latest export of the project and kind, unless it has no options and the default format."""
    latest = Export.objects.filter(project=project, type=kind.type).order_by("-pk").first()
    return latest if latest and (latest.options or latest.format != kind.formats[0]) else None
