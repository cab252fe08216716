"""A team's activity, for its owners: who did what to what, from which address."""

import re
from typing import Final

from django.http.response import HttpResponseBase

from exports import access
from exports.engine import audit, browse
from exports.engine.problem import InvalidError
from exports.models import Event, Member
from exports.web import show
from exports.web.asked import Asked, in_team

ROWS: Final = 50
# These are done to exports, which have a page.
OF_EXPORTS: Final = frozenset({"asked for", "retried", "adopted", "canceled", "deleted file"})


@in_team(access.HOLD)
def listing(request: Asked, member: Member) -> HttpResponseBase:
    """Newest first; filters and place are in the address."""
    wanted = audit.Wanted.parse(request.GET)
    try:
        before, _ = browse.paging(request.GET)
    except InvalidError:
        before = None
    page = browse.page(wanted.of(member.team), None, before, ROWS)
    context = {
        "section": "activity",
        "rows": [(event, _export(event)) for event in page.rows],
        "older": f"{page.next_query}&{wanted.query}".rstrip("&") if page.next_query else "",
        "query": wanted.query,
        "newest": before is not None,
        "wanted": wanted,
        "people": _people(member, wanted),
        "verbs": audit.VERBS,
    }
    return show.page(request, member, "activity/list.html", context)


def _export(event: Event) -> int | None:
    """The export that it was done to."""
    found = re.search(r"\bexport (\d{1,18})(?::|$)", event.thing) if event.verb in OF_EXPORTS else None
    return int(found[1]) if found else None


def _people(member: Member, wanted: audit.Wanted) -> list[tuple[int, str]]:
    """The team's members, and whoever is asked for and has left a trace here."""
    rows = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = [(one.user_id, one.user.shown_name) for one in rows]
    if wanted.user_id is not None and wanted.user_id not in dict(people):
        gone = Event.objects.filter(team=member.team, user_id=wanted.user_id).first()
        people += [(wanted.user_id, gone.actor)] if gone else []
    return people
