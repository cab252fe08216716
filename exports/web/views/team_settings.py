"""The team's settings: name, time zone, thresholds; everybody reads them, owners change them."""

from django.contrib import messages
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from exports import access
from exports.errors import InvalidError
from exports.exporting import team_settings
from exports.models import Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required
from exports.web.people_forms import TeamForm


@team_member_required()
def settings_page(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Shows the settings; on POST changes them."""
    if request.method != "POST":
        return _page(request, member, TeamForm(initial=TeamForm.values_of(member.team)))
    access.require(member, access.MANAGE)
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            team_settings.change_team(member.team, request.user, form.cleaned_data)
        except InvalidError as problem:
            form.add_errors(problem.errors)
        else:
            messages.success(request, _("Saved."))
            return redirect("web:settings", member.team.slug)
    return _page(request, member, form, 422)


def _page(request: SignedInRequest, member: Member, form: TeamForm, status: int = 200) -> HttpResponseBase:
    team, quota = member.team, member.team.quota_bytes
    context = {
        "section": "settings",
        "settings_section": "team",
        "form": form,
        "member_count": Member.objects.filter(team=team).count(),
        "quota_percent": min(100.0, 100 * team.kept_bytes / quota) if quota else None,
    }
    return rendering.render_page(request, member, "settings/team.html", context, status)
