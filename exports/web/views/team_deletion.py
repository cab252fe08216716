"""Deleting the team: the page that asks for its name, and the button that keeps it."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports import access
from exports.errors import ConflictError, InvalidError
from exports.exporting import team_deletion
from exports.models import Credential, Export, Member, Schedule
from exports.sentences import translated
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.people_forms import DeleteTeamForm


@team_member_required(access.MANAGE)
def delete_team(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Asks for the team's name; on POST has the team deleted in a week."""
    form = DeleteTeamForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            team_deletion.request_deletion(member.team, request.user, form.cleaned_data["name"])
        except InvalidError as problem:
            form.add_errors(problem.errors)
        except ConflictError as problem:
            messages.error(request, translated(problem))
            return redirect("web:settings", member.team.slug)
        else:
            messages.success(request, _("The team is paused, and will be deleted in a week."))
            return redirect("web:home", member.team.slug)
    context = {"section": "settings", "settings_section": "team", "form": form, **_figures(member)}
    return rendering.render_page(request, member, "settings/delete_team.html", context, 422 if form.is_bound else 200)


@team_member_required(access.MANAGE)
def keep_team(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Takes the deletion back."""
    if request.method == "POST":
        try:
            team_deletion.keep_team(member.team, request.user)
        except ConflictError as problem:
            messages.error(request, translated(problem))
        else:
            messages.success(request, _("%(name)s is kept.") % {"name": member.team.name})
    return redirect("web:home", member.team.slug)


def _figures(member: Member) -> dict[str, int]:
    """How much goes, besides the files."""
    return {
        "member_count": Member.objects.filter(team=member.team).count(),
        "credential_count": Credential.objects.filter(team=member.team, deleted_at=None).count(),
        "schedule_count": Schedule.objects.filter(team=member.team).count(),
        "open_count": Export.objects.open().filter(team=member.team).count(),
    }
