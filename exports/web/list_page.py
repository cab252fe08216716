"""The context of the export list: filters, rows, links to newer and older pages."""

import contextlib
from typing import Any, Final

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from exports import access
from exports.errors import InvalidError
from exports.exporting import pagination
from exports.exporting.filters import PAGE_FILTER_NAMES, Filters, parse_positive_int
from exports.models import Member
from exports.web import filter_menus
from exports.web.export_rows import build_rows, select_for_rows
from exports.web.rendering import WHOLE_PAGE_HEADER

PAGE_SIZE: Final = 30
# More new exports than these are not counted.
MAX_NEW: Final = 99
NEWEST_HEADER: Final = "X-Live-Newest"
CURSOR_NAMES: Final = ("before", "after")
KNOWN_NAMES: Final = (*PAGE_FILTER_NAMES, *CURSOR_NAMES)


def read_newest(request: HttpRequest) -> int | None:
    """Returns the id of the newest export that the reader's page shows, which a reload of its rows sends."""
    with contextlib.suppress(ValueError):
        return parse_positive_int(request.headers.get(NEWEST_HEADER, ""))
    return None


def list_context(member: Member, data: QueryDict, newest: int | None = None) -> dict[str, Any]:
    """Returns the context for this query string. Invalid filters are left out, and `errors` names them.

    `newest`: newer exports are counted and not shown, so that what is read does not move.
    """
    filters, errors = read_filters(member, data)
    rows, is_later_page = access.exports(member), "before" in data or "after" in data
    newest = None if is_later_page else newest
    upto = rows if newest is None else rows.filter(pk__lte=newest)
    cursor_page = pagination.get_cursor_page(select_for_rows(upto), filters, *pagination.parse_cursor(data), PAGE_SIZE)
    first = next(iter(cursor_page.rows), None)
    menus = filter_menus.filter_menus(member, filters)
    chips = filter_menus.filter_chips(filters, menus)
    in_use = {name for name, _value in filters.pairs}
    return {
        "section": "exports",
        "whole_page_header": WHOLE_PAGE_HEADER,
        "rows": build_rows(member, cursor_page.rows),
        "has_open_exports": any(export.is_open for export in cursor_page.rows),
        "cursor_page": cursor_page,
        "is_later_page": is_later_page,
        "newest": newest or (first.pk if first and not is_later_page else None),
        "new_count": 0 if newest is None else pagination.count_newer(rows, filters, newest, MAX_NEW),
        "max_new": MAX_NEW,
        "query": filters.query_string,
        "list_query": data.urlencode(),
        "errors": errors,
        "views": filter_menus.status_views(filters),
        "menus": [menu for menu in menus if menu.name not in in_use],
        "date_options": filter_menus.date_options(filters),
        "chips": chips,
        "kept_pairs": [pair for pair in filters.pairs if pair[0] != "q"],
        "kept_without_dates": [pair for pair in filters.pairs if pair[0] not in ("since", "until")],
        "q": data.get("q", ""),
        "since": data.get("since", ""),
        "until": data.get("until", ""),
        "schedule_id": filters.schedule_id,
        "is_filtered": bool(filters.pairs),
        **_saved_filters(member, filters),
    }


def _saved_filters(member: Member, filters: Filters) -> dict[str, Any]:
    """The member's saved filters by name, and the one that is shown."""
    saved = list(member.saved_filters.order_by("name", "pk"))
    current = next((row for row in saved if row.query == filters.query_string), None)
    return {"saved_filters": saved, "current_filter": current}


def read_filters(member: Member, data: QueryDict) -> tuple[Filters, dict[str, list[str]]]:
    """Returns the valid filters, and the errors of the others by name: also of names and objects that are not known."""
    errors = {name: [_("There is no filter of this name.")] for name in data if name not in KNOWN_NAMES}
    for name in CURSOR_NAMES:
        if name in data and pagination.parse_cursor(data) == (None, None):
            errors[name] = [_("This is no place in the list, so it is shown from its beginning.")]
    try:
        return _without_unknown_objects(member, data, Filters.parse(data, with_page_filters=True), errors)
    except InvalidError as problem:
        valid = data.copy()
        for name in problem.errors:
            valid.pop(name, None)
        errors |= problem.errors
        return _without_unknown_objects(member, valid, Filters.parse(valid, with_page_filters=True), errors)


def _without_unknown_objects(
    member: Member, data: QueryDict, filters: Filters, errors: dict[str, list[str]]
) -> tuple[Filters, dict[str, list[str]]]:
    """Takes away a project, person or schedule that the team does not have, with an error: an empty list says less."""
    unknown: dict[str, list[str]] = {}
    if filters.project_id and not access.projects(member, with_archived=True).filter(pk=filters.project_id).exists():
        unknown["project_id"] = [_("The team has no project of this number.")]
    if filters.user_id and not _is_known_person(member, filters.user_id):
        unknown["user_id"] = [_("Nobody of this number is or was in the team.")]
    if filters.schedule_id and not access.schedules(member).filter(pk=filters.schedule_id).exists():
        unknown["schedule_id"] = [_("The team has no schedule of this number.")]
    if not unknown:
        return filters, errors
    valid = data.copy()
    for name in unknown:
        valid.pop(name, None)
    return Filters.parse(valid, with_page_filters=True), errors | unknown


def _is_known_person(member: Member, user_id: int) -> bool:
    is_member = Member.objects.filter(team=member.team, user_id=user_id).exists()
    return is_member or access.exports(member).filter(user_id=user_id).exists()
