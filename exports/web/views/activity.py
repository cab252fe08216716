"""The team's audit log as a page for owners: who did what, by day."""

from typing import Any, Final

from django.http.response import HttpResponseBase
from django.utils.http import urlencode

from exports import access
from exports.audit import log as audit_log
from exports.errors import InvalidError
from exports.exporting import pagination
from exports.models import AuditEntry, Member
from exports.web import activity_lines, rendering
from exports.web.decorators import SignedInRequest, team_member_required

MAX_LINES: Final = 50
# A bulk action is one line, and has at most so many entries on one page. Most pages have few, and are full with less.
MAX_ENTRIES: Final = 500
USUAL_ENTRIES: Final = 2 * MAX_LINES


@team_member_required(access.MANAGE)
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists audit entries, newest first; filters and cursor are in the query string."""
    filters, errors = audit_log.EventFilters.parse(member.team, request.GET)
    try:
        before, _ = pagination.parse_paging(request.GET)
    except InvalidError as problem:
        before, errors = None, errors | {name: " ".join(texts) for name, texts in problem.errors.items()}
    context = {
        "section": "activity",
        "query": filters.query_string,
        "is_later_page": before is not None,
        "filters": filters,
        "errors": errors,
        "people": _people(member, filters),
        "verbs": [(verb, activity_lines.PHRASES.get(verb, verb)) for verb in audit_log.VERBS],
        **_lines(member, filters, before),
    }
    return rendering.render_page(request, member, "activity/event_list.html", context)


def _lines(member: Member, filters: audit_log.EventFilters, before: int | None) -> dict[str, Any]:
    """Returns the lines by day, and the query string of the next page."""
    for limit in (USUAL_ENTRIES, MAX_ENTRIES):
        page = pagination.get_page(filters.events_of(member.team), None, before, limit)
        shown = activity_lines.first_lines(page.rows, MAX_LINES, more=page.next_query is not None)
        days = activity_lines.group_by_day(shown)
        if page.next_query is None or sum(len(lines) for _day, lines in days) >= MAX_LINES:
            break
    is_last = len(shown) == len(page.rows) and page.next_query is None
    cursor = "" if is_last else urlencode({"before": shown[-1].pk})
    return {
        "days": days,
        "older_query": "&".join(filter(None, (filters.query_string, cursor))) if cursor else "",
    }


def _people(member: Member, filters: audit_log.EventFilters) -> list[tuple[int, str]]:
    """Returns (user id, name) of the team's members, and of a former member who is filtered by and has entries."""
    rows = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = [(row.user_id, row.user.display_name) for row in rows]
    if filters.user_id is not None and filters.user_id not in dict(people):
        entry = AuditEntry.objects.filter(team=member.team, user_id=filters.user_id).first()
        people += [(filters.user_id, entry.actor)] if entry else []
    return people
