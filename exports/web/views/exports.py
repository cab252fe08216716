"""The page that lists the team's exports."""

from django.http.response import HttpResponseBase

from exports.models import Member
from exports.web import list_page, rendering
from exports.web.decorators import SignedInRequest, team_member_required


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists exports, newest first; filters and cursor are in the query string."""
    context = list_page.list_context(member, request.GET)
    return rendering.render_live_page(
        request,
        member,
        "exports/list.html",
        "exports/partials/list_live.html",
        context,
        refreshing=context["has_open_exports"],
    )
