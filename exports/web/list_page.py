"""The list of exports as the page shows it: filters, rows, the ways to newer and older ones."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import access, states
from exports.errors import InvalidError
from exports.exporting import pagination
from exports.exporting.filters import Filters
from exports.models import Member
from exports.providers.registry import PROVIDERS
from exports.templatetags.pages import status_label
from exports.web.export_rows import build_rows, select_for_rows

PAGE_SIZE: Final = 30
MAX_PROJECTS: Final = 300
MAX_PEOPLE: Final = 300
TRIGGER_LABELS: Final = {
    "person": _l("On a page"),
    "api": _l("Through the API"),
    "schedule": _l("By a schedule"),
    "retry": _l("As a retry"),
    "adopt": _l("By watching a job"),
}
FIELD_LABELS: Final = {"q": _l("Search"), "since": _l("From"), "until": _l("To")}
# These stand beside the search; the others unfold.
PRIMARY_FILTERS: Final = ("status", "project_id", "user_id")


@dataclass(frozen=True)
class SelectFilter:
    """One filter as a box to choose from."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str]]

    @property
    def value_label(self) -> str:
        """What is chosen, in words."""
        return dict(self.choices).get(self.value, self.value)


@dataclass(frozen=True)
class FilterChip:
    """A filter in force, and the query string without it."""

    label: str
    value: str
    query_without: str


def list_context(member: Member, data: QueryDict) -> dict[str, Any]:
    """What the list shows for this query string; filters that cannot be read are named and left out."""
    filters, errors = read_filters(data)
    cursor_page = pagination.get_cursor_page(
        select_for_rows(access.exports(member)), filters, *pagination.parse_cursor(data), PAGE_SIZE
    )
    boxes = _boxes(member, data)
    return {
        "section": "exports",
        "rows": build_rows(member, cursor_page.rows),
        "moving": any(export.is_open for export in cursor_page.rows),
        "cursor_page": cursor_page,
        "is_later_page": "before" in data or "after" in data,
        "query": filters.query_string,
        "back": data.urlencode(),
        "errors": errors,
        "boxes": [box for box in boxes if box.name in PRIMARY_FILTERS],
        "more_boxes": [box for box in boxes if box.name not in PRIMARY_FILTERS],
        "filters_expanded": any(name not in (*PRIMARY_FILTERS, "q") for name, _ in filters.pairs),
        "chips": _chips(filters, boxes),
        "q": data.get("q", ""),
        "since": data.get("since", ""),
        "until": data.get("until", ""),
        "filtered": bool(filters.pairs),
    }


def read_filters(data: QueryDict) -> tuple[Filters, dict[str, list[str]]]:
    """The filters that can be read, and what is wrong with the others."""
    try:
        return Filters.parse(data, with_page_filters=True), {}
    except InvalidError as problem:
        rest = data.copy()
        for name in problem.errors:
            rest.pop(name, None)
        return Filters.parse(rest, with_page_filters=True), problem.errors


def _boxes(member: Member, data: QueryDict) -> list[SelectFilter]:
    kinds: dict[str, list[str]] = {}
    for provider in PROVIDERS.values():
        for kind in provider.kinds:
            kinds.setdefault(kind.type, []).append(kind.label)
    projects = access.projects(member).select_related(None).only("name", "remote_id").order_by("name", "pk")
    people = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = people.only("user__name", "user__email")
    boxes = (
        ("status", _("State"), [(word, status_label(word)) for word in states.STATUSES]),
        ("project_id", _("Project"), [(str(project.pk), str(project)) for project in projects[:MAX_PROJECTS]]),
        ("user_id", _("Person"), [(str(one.user_id), _person(one, member)) for one in people[:MAX_PEOPLE]]),
        ("provider", _("Provider"), [(slug, provider.label) for slug, provider in PROVIDERS.items()]),
        ("type", _("Kind"), [(type_, _(" or ").join(labels)) for type_, labels in kinds.items()]),
        ("trigger", _("Asked"), [(word, str(said)) for word, said in TRIGGER_LABELS.items()]),
        ("file", _("File"), [("yes", _("Has a file")), ("no", _("Has no file"))]),
    )
    return [_box(name, label, ",".join(filter(None, data.getlist(name))), choices) for name, label, choices in boxes]


def _person(one: Member, reader: Member) -> str:
    name = one.user.display_name
    return _("%(name)s (you)") % {"name": name} if one.pk == reader.pk else name


def _box(name: str, label: str, value: str, choices: list[tuple[str, str]]) -> SelectFilter:
    # An address may name several; the box then has them as one more choice, so that nothing is lost.
    if value and value not in dict(choices):
        known = dict(choices)
        choices = [*choices, (value, _(" or ").join(known.get(part, part) for part in value.split(",")))]
    return SelectFilter(name, label, value, choices)


def _chips(filters: Filters, boxes: list[SelectFilter]) -> list[FilterChip]:
    said = {box.name: (box.label, box.value_label) for box in boxes}
    given = dict.fromkeys(name for name, _ in filters.pairs)
    return [
        FilterChip(
            *said.get(name, (str(FIELD_LABELS.get(name, name)), ", ".join(filters.values_of(name)))),
            filters.query_without(name),
        )
        for name in given
    ]
