"""A team's activity, for its owners: who did what to what, from which address."""

import re
from typing import Final

from django.http.response import HttpResponseBase

from exports import access
from exports.audit import log as audit_log
from exports.errors import InvalidError
from exports.exporting import pagination
from exports.models import AuditEntry, Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, team_member_required

PAGE_SIZE: Final = 50
# These are done to exports, which have a page.
EXPORT_VERBS: Final = frozenset({"asked for", "retried", "adopted", "canceled", "deleted file"})


@team_member_required(access.MANAGE)
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Newest first; filters and place are in the address."""
    wanted = audit_log.EventFilters.parse(request.GET)
    try:
        before, _ = pagination.parse_paging(request.GET)
    except InvalidError:
        before = None
    page = pagination.get_page(wanted.events_of(member.team), None, before, PAGE_SIZE)
    context = {
        "section": "activity",
        "rows": [(event, _export(event)) for event in page.rows],
        "older": f"{page.next_query}&{wanted.query_string}".rstrip("&") if page.next_query else "",
        "query": wanted.query_string,
        "newest": before is not None,
        "wanted": wanted,
        "people": _people(member, wanted),
        "verbs": audit_log.VERBS,
    }
    return rendering.render_page(request, member, "activity/event_list.html", context)


def _export(event: AuditEntry) -> int | None:
    """The export that it was done to."""
    found = re.search(r"\bexport (\d{1,18})(?::|$)", event.target) if event.verb in EXPORT_VERBS else None
    return int(found[1]) if found else None


def _people(member: Member, wanted: audit_log.EventFilters) -> list[tuple[int, str]]:
    """The team's members, and whoever is asked for and has left a trace here."""
    rows = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = [(one.user_id, one.user.display_name) for one in rows]
    if wanted.user_id is not None and wanted.user_id not in dict(people):
        gone = AuditEntry.objects.filter(team=member.team, user_id=wanted.user_id).first()
        people += [(wanted.user_id, gone.actor)] if gone else []
    return people
