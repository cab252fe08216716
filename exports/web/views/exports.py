"""The team's exports: the shared history."""

from django.http.response import HttpResponseBase

from exports.models import Member
from exports.web import list_page, rendering
from exports.web.decorators import SignedInRequest, team_member_required


@team_member_required()
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """The shared history; filters and place are in the address."""
    found = list_page.list_context(member, request.GET)
    return rendering.render_live_page(
        request, member, "exports/list.html", "exports/partials/list_live.html", found, moving=found["moving"]
    )
