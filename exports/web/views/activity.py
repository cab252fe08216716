"""The team's audit log as a page for owners: actor, verb, target, address."""

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
# Verbs whose target is an export, so the entry links to its page.
EXPORT_VERBS: Final = frozenset({"asked for", "retried", "adopted", "canceled", "deleted file"})


@team_member_required(access.MANAGE)
def listing(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Lists audit entries, newest first; filters and cursor are in the query string."""
    filters, errors = audit_log.EventFilters.parse(member.team, request.GET)
    try:
        before, _ = pagination.parse_paging(request.GET)
    except InvalidError as problem:
        before, errors = None, errors | {name: " ".join(texts) for name, texts in problem.errors.items()}
    page = pagination.get_page(filters.events_of(member.team), None, before, PAGE_SIZE)
    context = {
        "section": "activity",
        "events": [(event, _export_id(event)) for event in page.rows],
        "older_query": f"{page.next_query}&{filters.query_string}".rstrip("&") if page.next_query else "",
        "query": filters.query_string,
        "is_later_page": before is not None,
        "filters": filters,
        "errors": errors,
        "people": _people(member, filters),
        "verbs": audit_log.VERBS,
    }
    return rendering.render_page(request, member, "activity/event_list.html", context)


def _export_id(event: AuditEntry) -> int | None:
    """Returns the id of the export that the entry is about, or None."""
    match = re.search(r"\bexport (\d{1,18})(?::|$)", event.target) if event.verb in EXPORT_VERBS else None
    return int(match[1]) if match else None


def _people(member: Member, filters: audit_log.EventFilters) -> list[tuple[int, str]]:
    """Returns (user id, name) of the team's members, and of a former member who is filtered by and has entries."""
    rows = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = [(row.user_id, row.user.display_name) for row in rows]
    if filters.user_id is not None and filters.user_id not in dict(people):
        entry = AuditEntry.objects.filter(team=member.team, user_id=filters.user_id).first()
        people += [(filters.user_id, entry.actor)] if entry else []
    return people
