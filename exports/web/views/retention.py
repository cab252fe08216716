"""Pages of retention: the team's rule, a project's own, what a rule would delete; erasing a project's files."""

from typing import Any, Final

from django.contrib import messages
from django.db.models import Count, Sum
from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import access
from exports.exporting import delete_file, pagination, purge, retention_preview, retention_rules
from exports.models import File, Member, Project
from exports.storage.retention import Rule
from exports.storage.retention_plan import TeamRules, rules_of
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.retention_forms import RetentionForm, TeamRetentionForm, explain

FILES_SHOWN: Final = 50


@team_member_required()
def team_rule(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Shows the team's rule and what it would delete; with numbers in the query, what those would. POST saves."""
    team, rules = member.team, rules_of(member.team)
    current = {**TeamRetentionForm.initial_of(rules.rule), "notice_days": team.expiry_notice_days}
    form = TeamRetentionForm(_data(request), initial=current)
    if "preview" in request.POST and form.is_valid():
        return _redirect_to_preview(form, "web:retention", team.slug)
    if _saves(request, member) and form.is_valid():
        retention_rules.set_team_rule(team, request.user, form.rule)
        retention_rules.set_notice_days(team, request.user, form.cleaned_data["notice_days"])
        purge.refresh_expiry_if_quick(team)
        messages.success(request, _("Retention saved. It applies tonight."))
        return redirect("web:retention", team.slug)
    context = {"form": form, "rules": rules, **_preview(request, member, form)}
    context |= {"section": "settings", "settings_section": "retention", "projects": _projects_with_rule(member, rules)}
    return rendering.render_page(request, member, "retention/team.html", context, _status(form))


@team_member_required()
def project_rule(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Shows the rule of a project and what it would delete. POST saves its own rule, or removes it (`remove`)."""
    project = access.project(member, pk, with_archived=True)
    rules = rules_of(member.team)
    form = RetentionForm(_data(request), initial=RetentionForm.initial_of(rules.rule_of(project.pk)))
    if "preview" in request.POST and form.is_valid():
        return _redirect_to_preview(form, "web:project-retention", member.team.slug, project.pk)
    removes = "remove" in request.POST
    if _saves(request, member) and (removes or form.is_valid()):
        retention_rules.set_project_rule(project, request.user, None if removes else form.rule)
        purge.refresh_expiry_if_quick(member.team)
        messages.success(request, _("Retention saved. It applies tonight."))
        return redirect("web:project-retention", member.team.slug, project.pk)
    context = {"form": form, "rules": rules, "project": project, "has_own_rule": project.pk in rules.of_projects}
    context |= {"section": "projects", "kept": _kept(project), **_preview(request, member, form, project)}
    return rendering.render_page(request, member, "retention/project.html", context, _status(form))


@team_member_required(access.MANAGE)
def erase_files(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Asks for confirmation; on POST deletes all kept files of the project."""
    project = access.project(member, pk, access.MANAGE, with_archived=True)
    if request.method != "POST":
        context = {"section": "projects", "project": project, "kept": _kept(project)}
        return rendering.render_page(request, member, "retention/confirm_erase.html", context)
    count, more = delete_file.delete_files_of_project(project, request.user)
    text = ngettext("%(n)s file was erased.", "%(n)s files were erased.", count) % {"n": count}
    messages.success(request, text)
    if more:
        messages.warning(request, _("There are more files. Erase them the same way."))
    return redirect("web:project-retention", member.team.slug, project.pk)


def _data(request: SignedInRequest) -> QueryDict | None:
    """What the form is bound to: the posted numbers, or those of the query, to preview them."""
    if request.method == "POST":
        return request.POST
    return request.GET if any(name in request.GET for name in RetentionForm.base_fields) else None


def _saves(request: SignedInRequest, member: Member) -> bool:
    """Whether the request is to change something. Raises PermissionDenied where the member may not."""
    return request.method == "POST" and "preview" not in request.POST and bool(access.require(member, access.MANAGE))


def _redirect_to_preview(form: RetentionForm, name: str, *args: object) -> HttpResponseBase:
    """Leads to the page with the entered numbers in its address, so that a preview can be shared and paged."""
    entered = {name: form.data.get(name, "") for name in form.fields}
    return redirect(f"{reverse(name, args=args)}?{urlencode(entered)}#preview")


def _status(form: RetentionForm) -> int:
    return 422 if form.is_bound and form.errors else 200


def _preview(
    request: SignedInRequest, member: Member, form: RetentionForm, project: Project | None = None
) -> dict[str, Any]:
    """The files that would go: by the numbers in the form, or by the rules in force while nothing was entered."""
    if form.is_bound and not form.is_valid():
        return {"preview": None}
    before, _after = pagination.parse_cursor(request.GET)
    entered = form.rule if form.is_bound else None
    page = retention_preview.preview(member.team, entered, project, before=before, limit=FILES_SHOWN)
    rules = rules_of(member.team)
    rows = [
        (file, explain(file.rule, _rule_for(file.export.project_id, rules, entered, project))) for file in page.files
    ]
    query = request.GET.copy()
    query["before"] = str(page.next_before or "")
    older = query.urlencode() if page.next_before else ""
    return {"preview": page, "preview_rows": rows, "is_previewed": form.is_bound, "older": older}


def _rule_for(project_id: int, rules: TeamRules, entered: Rule | None, project: Project | None) -> Rule:
    if entered is None or (project is None and project_id in rules.of_projects):
        return rules.rule_of(project_id)
    return entered


def _projects_with_rule(member: Member, rules: TeamRules) -> list[Project]:
    rows = access.projects(member, with_archived=True).filter(pk__in=list(rules.of_projects))
    return list(rows.order_by("name", "pk")[:FILES_SHOWN])


def _kept(project: Project) -> dict[str, Any]:
    """Count, bytes and pinned ones of the project's kept files."""
    kept = File.objects.filter(export__project=project, deleted_at=None)
    return kept.aggregate(count=Count("pk"), size=Sum("size"), pinned=Count("pinned_at"))
