"""The team's exports: the shared history."""

from django.http.response import HttpResponseBase

from exports.models import Member
from exports.web import lists, show
from exports.web.asked import Asked, in_team


@in_team()
def listing(request: Asked, member: Member) -> HttpResponseBase:
    """The shared history; filters and place are in the address."""
    found = lists.exports(member, request.GET)
    return show.live(request, member, "exports/list.html", "exports/rows.html", found, moving=found["moving"])
