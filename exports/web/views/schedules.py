"""Pages of schedules: list, form with the next times, detail with what became of its times, actions."""

from typing import Final

from django.contrib import messages
from django.db.models import Count, Min, Q
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import access
from exports.crypto import CryptoError
from exports.errors import ArchivedError, ConflictError, DuplicateError, InvalidError
from exports.exporting import pagination, schedules
from exports.models import Member, Project, Schedule
from exports.providers.contract import Kind
from exports.transport.errors import ProviderError
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.schedule_forms import ScheduleForms, TimesForm
from exports.web.views.new import project_and_kind, projects_to_export, source_export

PAGE_SIZE: Final = 50
ACTIONS: Final = {
    "pause": (schedules.pause, _l("Paused. It runs nothing until someone resumes it.")),
    "resume": (schedules.resume, _l("Resumed")),
    "take-over": (schedules.take_over, _l("You own it now: it runs on your behalf.")),
}
MAX_RUNS: Final = 30
MAX_EXPORTS: Final = 14


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists the schedules, newest first."""
    before, _after = pagination.parse_cursor(request.GET)
    rows = access.schedules(member).select_related("last_export")
    totals = Schedule.objects.filter(team=member.team).aggregate(
        count=Count("pk"),
        next_run_at=Min("next_run_at"),
        stopped=Count("pk", filter=Q(enabled=False) & ~Q(disabled_reason="")),
    )
    page = pagination.get_page(rows, before=before, limit=PAGE_SIZE)
    context = {"section": "schedules", "page": page, "totals": totals, "is_later_page": before is not None}
    return rendering.render_page(request, member, "schedules/list.html", context)


@team_member_required(access.EXPORT)
def choose(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists projects with the kinds of export that can be scheduled."""
    context = {"section": "schedules", "projects": projects_to_export(member)}
    return rendering.render_page(request, member, "schedules/choose_project.html", context)


@team_member_required(access.EXPORT)
def add(request: SignedInRequest, member: Member, pk: int, kind: str) -> HttpResponseBase:
    """Shows the form, filled in like the export that `from` names; on POST creates the schedule."""
    project, declared = project_and_kind(member, pk, kind)
    source = source_export(request, member, project, declared)
    data, preset = request.POST if request.method == "POST" else None, request.GET.get("preset", "")
    forms = ScheduleForms(project, declared, data, source=source, preset=preset)
    problems: list[str] = []
    if _is_to_be_saved(request, forms):
        try:
            schedule = schedules.create_schedule(project, forms.to_schedule_request(), request.user)
        except InvalidError as problem:
            problems = forms.add_schedule_errors(problem.errors)
        except ArchivedError as problem:
            messages.warning(request, f"{problem}")
            return redirect("web:project", member.team.slug, pk)
        else:
            return _saved(request, member, schedule)
    return _form_page(request, member, project, declared, forms, problems)


@team_member_required(access.EXPORT)
def edit(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows the form of a schedule; on POST changes it."""
    schedule = access.schedule(member, pk, access.EXPORT)
    project, declared = project_and_kind(member, schedule.project_id, schedule.type)
    data, preset = request.POST if request.method == "POST" else None, request.GET.get("preset", "")
    forms = ScheduleForms(project, declared, data, schedule, preset=preset)
    problems: list[str] = []
    if _is_to_be_saved(request, forms):
        try:
            schedule = schedules.change_schedule(schedule, forms.fields(), member)
        except InvalidError as problem:
            problems = forms.add_schedule_errors(problem.errors)
        else:
            return _saved(request, member, schedule)
    return _form_page(request, member, project, declared, forms, problems, schedule)


def _is_to_be_saved(request: SignedInRequest, forms: ScheduleForms) -> bool:
    """Whether the form is valid, and was not only sent to show the next times (without scripts)."""
    return forms.is_bound and "next" not in request.POST and forms.is_valid()


def _saved(request: SignedInRequest, member: Member, schedule: Schedule) -> HttpResponseBase:
    messages.success(request, _("Schedule saved"))
    if "run" in request.POST:
        return _run(request, member, schedule)
    return redirect("web:schedule", member.team.slug, schedule.pk)


def _form_page(
    request: SignedInRequest,
    member: Member,
    project: Project,
    kind: Kind,
    forms: ScheduleForms,
    problems: list[str],
    schedule: Schedule | None = None,
) -> HttpResponseBase:
    context = {
        "section": "schedules",
        "project": project,
        "kind": kind,
        "provider": project.provider,
        "schedule": schedule,
        "form": forms.form,
        "options": forms.options,
        "times": forms.times,
        "option_groups": forms.option_groups(),
        "presets": forms.presets,
        "problems": problems,
        "next_runs": forms.times.next_runs() if forms.is_bound else schedules.next_runs(schedule) if schedule else [],
        "zone_name": forms.times.zone_name if forms.is_bound or not schedule else schedule.zone_name,
    }
    status = 422 if forms.is_bound and "next" not in request.POST else 200
    return rendering.render_page(request, member, "schedules/form.html", context, status)


@team_member_required(access.EXPORT)
def next_times(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Returns the fragment with the next five times of what the form says now, or with what is wrong."""
    times = TimesForm(access.project(member, pk, access.EXPORT), request.GET)
    context = {"next_runs": times.next_runs(), "zone_name": times.zone_name, "times": times}
    return render(request, "schedules/partials/next_times.html", context)


@team_member_required()
def schedule(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows a schedule, its next times, and what became of those before."""
    row = access.schedule(member, pk)
    exports = list(access.exports(member).filter(schedule=row).order_by("-pk")[:MAX_EXPORTS])
    context = {
        "section": "schedules",
        "schedule": row,
        "next_runs": schedules.next_runs(row),
        "zone_name": row.zone_name,
        "runs": row.runs.select_related("export").order_by("-planned_at")[:MAX_RUNS],
        "latest_exports": exports[::-1],
        "owner_may_export": access.may_own_schedules(member.team, row.owner),
    }
    return rendering.render_page(request, member, "schedules/detail.html", context)


@team_member_required(access.EXPORT)
def run_action(request: SignedInRequest, member: Member, pk: int, verb: str) -> HttpResponseBase:
    """Pauses, resumes, takes over or runs a schedule. Before it runs, a page says what that costs and does."""
    row = access.schedule(member, pk, access.EXPORT)
    if verb == "run":
        return _run(request, member, row) if request.method == "POST" else _confirm_run_page(request, member, row)
    if request.method != "POST" or verb not in ACTIONS:
        return redirect("web:schedule", member.team.slug, pk)
    change, text = ACTIONS[verb]
    try:
        change(row, member)
        messages.success(request, text)
    except InvalidError as problem:
        messages.error(request, " ".join(text for texts in problem.errors.values() for text in texts))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    return redirect("web:schedule", member.team.slug, pk)


def _confirm_run_page(request: SignedInRequest, member: Member, row: Schedule) -> HttpResponseBase:
    try:
        context = {"section": "schedules", "schedule": row, "kind": row.kind}
    except KeyError:  # the portal no longer has the kind; running it says so
        return _run(request, member, row)
    return rendering.render_page(request, member, "schedules/confirm_run.html", context)


def _run(request: SignedInRequest, member: Member, row: Schedule) -> HttpResponseBase:
    """Runs a schedule now, and leads to the export."""
    try:
        export = schedules.run_now(row, request.user, "person")
        return redirect("web:export", member.team.slug, export.pk)
    except DuplicateError as problem:
        text = _("#%(number)s is already running with these options")
        messages.warning(request, text % {"number": problem.export_id})
        return redirect("web:export", member.team.slug, problem.export_id)
    except InvalidError as problem:
        messages.error(request, " ".join(text for texts in problem.errors.values() for text in texts))
    except ConflictError as problem:
        messages.warning(request, f"{problem}")
    except (ProviderError, CryptoError) as problem:
        messages.error(request, problem.message if isinstance(problem, ProviderError) else f"{problem}")
    return redirect("web:schedule", member.team.slug, row.pk)


@team_member_required(access.EXPORT)
def delete(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks whether to delete a schedule; on POST deletes it."""
    row = access.schedule(member, pk, access.EXPORT)
    if request.method == "POST":
        schedules.delete_schedule(row, request.user)
        messages.success(request, _("Schedule deleted; its exports stay."))
        return redirect("web:schedules", member.team.slug)
    return rendering.render_page(
        request, member, "schedules/confirm_delete.html", {"section": "schedules", "schedule": row}
    )
