"""Pausing and resuming the team, a credential or a project, and a project's freshness target, from their pages."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError
from exports.exporting import pauses
from exports.exporting.pauses import Pausable
from exports.models import Member
from exports.sentences import translated
from exports.web.decorators import SignedInRequest, team_member_required


@team_member_required(access.MANAGE)
def pause_team(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Pauses or resumes everything of the team."""
    _apply(request, member.team)
    return redirect("web:home", member.team.slug)


@team_member_required(access.MANAGE)
def pause_credential(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Pauses or resumes a credential."""
    _apply(request, access.credential(member, pk, access.MANAGE))
    return redirect("web:credential", member.team.slug, pk)


@team_member_required(access.EXPORT)
def pause_project(request: SignedInRequest, member: Member, pk: int) -> HttpResponseBase:
    """Pauses or resumes a project."""
    _apply(request, access.project(member, pk, access.EXPORT))
    return redirect("web:project", member.team.slug, pk)


def _apply(request: SignedInRequest, row: Pausable) -> None:
    if request.method != "POST" or request.POST.get("paused") not in ("yes", "no"):
        return
    paused = request.POST["paused"] == "yes"
    try:
        pauses.set_paused(row, request.user, paused)
    except ConflictError as problem:
        messages.error(request, translated(problem))
        return
    name = row.name if row.name else str(row)
    text = _("%(name)s is paused. What runs goes on.") if paused else _("%(name)s goes on.")
    messages.success(request, text % {"name": name})
