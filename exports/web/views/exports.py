"""The page that lists the team's exports."""

from typing import Final

from django.http.response import HttpResponseBase

from exports.models import Member
from exports.web import list_page, rendering
from exports.web.decorators import SignedInRequest, team_member_required

# Seconds between two looks for new exports while nothing that is shown is open.
NEW_SECONDS: Final = 20


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists exports, newest first; filters and cursor are in the query string."""
    context = list_page.list_context(member, request.GET, list_page.read_newest(request))
    newest = {list_page.NEWEST_HEADER: str(context["newest"])} if context["newest"] else {}
    return rendering.render_live_page(
        request,
        member,
        "exports/list.html",
        "exports/partials/list_live.html",
        context,
        interval=rendering.LIVE_SECONDS if context["has_open_exports"] else NEW_SECONDS if newest else 0,
        headers=newest,
    )
