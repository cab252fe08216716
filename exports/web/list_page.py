"""The context of the export list: filters, rows, links to newer and older pages."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import access, states
from exports.errors import InvalidError
from exports.exporting import pagination
from exports.exporting.filters import PAGE_FILTER_NAMES, Filters
from exports.models import Member, Project
from exports.providers.registry import PROVIDERS
from exports.templatetags.pages import status_label
from exports.web.export_rows import build_rows, select_for_rows

PAGE_SIZE: Final = 30
MAX_PROJECTS: Final = 300
MAX_PEOPLE: Final = 300
TRIGGER_LABELS: Final = {
    "person": _l("On a page"),
    "api": _l("Through the API"),
    "command": _l("By a command"),
    "schedule": _l("By a schedule"),
    "retry": _l("As a retry"),
    "adopt": _l("By watching a job"),
}
FIELD_LABELS: Final = {"q": _l("Search"), "since": _l("From"), "until": _l("To")}
CURSOR_NAMES: Final = ("before", "after")
KNOWN_NAMES: Final = (*PAGE_FILTER_NAMES, *CURSOR_NAMES)
# Shown beside the search field; the other filters are collapsed.
PRIMARY_FILTERS: Final = ("status", "project_id", "user_id")


@dataclass(frozen=True)
class SelectFilter:
    """A filter as a <select>."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]]

    @property
    def value_label(self) -> str:
        """The label of the selected value."""
        return dict(self.choices).get(self.value, self.value)


@dataclass(frozen=True)
class FilterChip:
    """An active filter. `query_without`: the query string without this filter."""

    label: str
    value: str
    query_without: str


def list_context(member: Member, data: QueryDict) -> dict[str, Any]:
    """Returns the context for this query string. Invalid filters are left out, and `errors` names them."""
    filters, errors = read_filters(member, data)
    cursor_page = pagination.get_cursor_page(
        select_for_rows(access.exports(member)), filters, *pagination.parse_cursor(data), PAGE_SIZE
    )
    selects = _select_filters(member, data)
    return {
        "section": "exports",
        "rows": build_rows(member, cursor_page.rows),
        "has_open_exports": any(export.is_open for export in cursor_page.rows),
        "cursor_page": cursor_page,
        "is_later_page": "before" in data or "after" in data,
        "query": filters.query_string,
        "list_query": data.urlencode(),
        "errors": errors,
        "primary_filters": [select for select in selects if select.name in PRIMARY_FILTERS],
        "more_filters": [select for select in selects if select.name not in PRIMARY_FILTERS],
        "filters_expanded": any(name not in (*PRIMARY_FILTERS, "q") for name, _ in filters.pairs),
        "chips": _filter_chips(filters, selects),
        "q": data.get("q", ""),
        "since": data.get("since", ""),
        "until": data.get("until", ""),
        "is_filtered": bool(filters.pairs),
    }


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
    """Takes away a project or person that the team does not have, with an error: an empty list would say less."""
    unknown: dict[str, list[str]] = {}
    if filters.project_id and not access.projects(member, with_archived=True).filter(pk=filters.project_id).exists():
        unknown["project_id"] = [_("The team has no project of this number.")]
    if filters.user_id and not _is_known_person(member, filters.user_id):
        unknown["user_id"] = [_("Nobody of this number is or was in the team.")]
    if not unknown:
        return filters, errors
    valid = data.copy()
    for name in unknown:
        valid.pop(name, None)
    return Filters.parse(valid, with_page_filters=True), errors | unknown


def _is_known_person(member: Member, user_id: int) -> bool:
    is_member = Member.objects.filter(team=member.team, user_id=user_id).exists()
    return is_member or access.exports(member).filter(user_id=user_id).exists()


def _select_filters(member: Member, data: QueryDict) -> list[SelectFilter]:
    """Returns every <select> filter, with two queries: projects and people."""
    kinds: dict[str, list[str]] = {}
    for provider in PROVIDERS.values():
        for kind in provider.kinds:
            kinds.setdefault(kind.type, []).append(kind.label)
    # Archived ones too: their history stays.
    projects = access.projects(member, with_archived=True).select_related(None).order_by("name", "pk")
    projects = projects.only("name", "remote_id", "archived_at")
    people = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = people.only("user__name", "user__email")
    selects = (
        ("status", _("State"), [(status, status_label(status)) for status in states.STATUSES]),
        (
            "project_id",
            _("Project"),
            [(str(project.pk), _project_label(project)) for project in projects[:MAX_PROJECTS]],
        ),
        ("user_id", _("Person"), [(str(row.user_id), _member_label(row, member)) for row in people[:MAX_PEOPLE]]),
        ("provider", _("Provider"), [(slug, provider.label) for slug, provider in PROVIDERS.items()]),
        ("type", _("Kind"), [(type_, _(" or ").join(labels)) for type_, labels in kinds.items()]),
        ("trigger", _("Asked"), [(trigger, str(label)) for trigger, label in TRIGGER_LABELS.items()]),
        ("file", _("File"), [("yes", _("Has a file")), ("no", _("Has no file"))]),
    )
    return [
        _select_filter(name, label, ",".join(filter(None, data.getlist(name))), choices)
        for name, label, choices in selects
    ]


def _project_label(project: Project) -> str:
    return _("%(project)s (archived)") % {"project": project} if project.is_archived else str(project)


def _member_label(member: Member, reader: Member) -> str:
    name = member.user.display_name
    return _("%(name)s (you)") % {"name": name} if member.pk == reader.pk else name


def _select_filter(name: str, label: str, value: str, choices: list[tuple[str, str]]) -> SelectFilter:
    # A query string may give several values; they become one more choice, so that the form keeps them.
    if value and value not in dict(choices):
        labels = dict(choices)
        choices = [*choices, (value, _(" or ").join(labels.get(part, part) for part in value.split(",")))]
    return SelectFilter(name, label, value, choices)


def _filter_chips(filters: Filters, selects: list[SelectFilter]) -> list[FilterChip]:
    """Returns a chip for each active filter, in the order of the query string."""
    labels = {select.name: (select.label, select.value_label) for select in selects}
    active = dict.fromkeys(name for name, _ in filters.pairs)
    return [
        FilterChip(
            *labels.get(name, (str(FIELD_LABELS.get(name, name)), ", ".join(filters.values_of(name)))),
            filters.query_without(name),
        )
        for name in active
    ]
