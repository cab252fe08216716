"""Pages that compare the files of two exports."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.exporting.filters import parse_positive_int
from exports.models import Export, Member
from exports.preview import comparison
from exports.preview.comparison import Comparison
from exports.web import rendering
from exports.web.comparison_figures import build_figures
from exports.web.decorators import SignedInRequest, team_member_required

MAX_SAMPLES: Final = 20
MAX_CHOICES: Final = 50


@team_member_required()
def compare(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Compares an export's file with the one before, or with that of the export `with`; for htmx only the figures."""
    export = access.export(member, pk)
    try:
        comparison.require_file(export)
    except ConflictError as problem:
        messages.warning(request, str(problem))
        return redirect("web:export", member.team.slug, pk)
    other = _other(member, request.GET.get("with", "")) or comparison.find_previous(export)
    context: dict[str, Any] = {"section": "exports", "export": export, **rendering.base_context(member)}
    if other is not None:
        context |= _compare(export, other, request.GET.get("key", ""), 0 if request.htmx else MAX_SAMPLES)
    if request.htmx:
        return render(request, "exports/partials/comparison_figures.html", context)
    context["choices"] = _choices(member, export)
    context["other"] = other
    return rendering.render_page(request, member, "exports/compare.html", context)


@team_member_required()
def compare_chosen(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Leads from two boxes of a project's page to the comparison of these exports."""
    project = access.project(member, pk, with_archived=True)
    chosen = sorted({_read_id(text) for text in request.GET.getlist("id")})
    if len(chosen) != 2:
        messages.warning(request, _("Select two exports to compare."))
        return redirect("web:project", member.team.slug, project.pk)
    old, new = chosen
    return redirect(f"{reverse('web:compare', args=[member.team.slug, new])}?with={old}")


def _compare(export: Export, other: Export, key: str, samples: int) -> dict[str, Any]:
    """Returns what the page shows of a comparison. A key that is no column of both files is left out, and said."""
    try:
        try:
            found = comparison.compare(export, other, key=key, samples=samples)
        except InvalidError:
            found = comparison.compare(export, other, samples=samples)
            return {**_context(found), "unknown_key": key[:100]}
    except ConflictError as problem:
        return {"problem": str(problem)}
    return {**_context(found), "chosen_key": key}


def _context(found: Comparison) -> dict[str, Any]:
    return {"comparison": found, "changes": found.changes, "figures": build_figures(found)}


def _other(member: Member, text: str) -> Export | None:
    return access.export(member, _read_id(text)) if text else None


def _read_id(text: str) -> int:
    try:
        return parse_positive_int(text)
    except ValueError:
        raise Http404(_("There is no such export in this team.")) from None


def _choices(member: Member, export: Export) -> list[Export]:
    """The exports that this one can be compared with, the newest first."""
    same = access.exports(member).filter(project_id=export.project_id, type=export.type, format=export.format)
    return list(same.filter(**comparison.KEPT).exclude(pk=export.pk).order_by("-pk")[:MAX_CHOICES])
