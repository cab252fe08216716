"""The start page (choice of a team) and a team's home page."""

from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render

from exports import access
from exports.models import Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, sign_in_required, team_member_required
from exports.web.home_page import home_context


@sign_in_required
def start(request: SignedInRequest) -> HttpResponseBase:
    """Redirects to the home of the user's only team; with none or several, lists them."""
    teams = list(access.teams(request.user))
    if len(teams) == 1 and "choose" not in request.GET:
        return redirect("web:home", teams[0].slug)
    return render(request, "home/choose_team.html", {"teams": teams})


@team_member_required()
def home(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Shows what needs attention, what runs, whether everything is fresh; or the first steps of a team."""
    context = home_context(member)
    return rendering.render_live_page(
        request,
        member,
        "home/home.html",
        "home/partials/home_live.html",
        context,
        interval=rendering.LIVE_SECONDS if context["in_progress"] else 0,
    )
