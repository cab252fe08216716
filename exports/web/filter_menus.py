"""The filters above the list of exports: views by status, a menu for each other filter, chips of those in use."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import access, states
from exports.exporting.filters import Filters
from exports.models import Member, Project
from exports.providers.registry import PROVIDERS
from exports.sentences import translated
from exports.templatetags.elements import status_icon, status_label
from exports.templatetags.pages import TRIGGER_LABELS

MAX_PROJECTS: Final = 300
MAX_PEOPLE: Final = 300
LAST_DAYS: Final = (1, 7, 30)
FIELD_LABELS: Final = {"q": _l("Search"), "since": _l("From"), "until": _l("To"), "schedule_id": _l("Schedule")}
# Name, label, icon and statuses of the views; a status filter that is none of them is a chip.
VIEWS: Final = (
    ("", _l("All"), ""),
    (",".join((states.WAITING, states.PROCESSING)), _l("Running"), status_icon(states.PROCESSING)),
    *((status, status_label, status_icon(status)) for status in (states.FAILED, states.SUCCEEDED, states.CANCELED)),
)


@dataclass(frozen=True)
class Option:
    """A link that shows the list with one more filter, or another value of it."""

    label: str
    href: str
    icon: str = ""
    is_current: bool = False


@dataclass(frozen=True)
class FilterMenu:
    """A filter with its values as links. `value_labels`: the labels of all values, for the chip."""

    name: str
    label: str
    options: list[Option]
    value_labels: dict[str, str]


@dataclass(frozen=True)
class FilterChip:
    """A filter in use. `href` leads to the list without it."""

    label: str
    value: str
    href: str


def status_views(filters: Filters) -> list[Option]:
    """Returns the views by status; the current one keeps the other filters."""
    current = set(filters.status)
    return [
        Option(
            str(label(statuses) if callable(label) else label),
            _href(filters, "status", statuses),
            icon,
            set(filter(None, statuses.split(","))) == current,
        )
        for statuses, label, icon in VIEWS
    ]


def filter_menus(member: Member, filters: Filters) -> list[FilterMenu]:
    """Returns the menus of all filters that choose from a list, with two queries: projects and people."""
    # Archived ones too: their history stays.
    projects = access.projects(member, with_archived=True).select_related(None).order_by("name", "pk")
    projects = projects.only("name", "remote_id", "archived_at")
    people = Member.objects.filter(team=member.team).select_related("user").order_by("user__name", "user__email")
    people = people.only("user__name", "user__email")
    kinds: dict[str, list[str]] = {}
    for provider in PROVIDERS.values():
        for kind in provider.kinds:
            kinds.setdefault(kind.type, []).append(translated(kind.label))
    choices: tuple[tuple[str, str, list[tuple[str, str]]], ...] = (
        (
            "project_id",
            _("Project"),
            [(str(project.pk), _project_label(project)) for project in projects[:MAX_PROJECTS]],
        ),
        ("provider", _("Provider"), [(slug, provider.label) for slug, provider in PROVIDERS.items()]),
        ("type", _("Kind"), [(type_, _(" or ").join(labels)) for type_, labels in kinds.items()]),
        ("user_id", _("Requested by"), [(str(row.user_id), _member_label(row, member)) for row in people[:MAX_PEOPLE]]),
        ("trigger", _("Started"), [(trigger, str(label)) for trigger, label in TRIGGER_LABELS.items()]),
        ("file", _("File"), [("yes", _("Has a file")), ("no", _("No file"))]),
    )
    return [_menu(filters, *choice) for choice in choices]


def date_options(filters: Filters) -> list[Option]:
    """Returns the periods of the date menu."""
    today = timezone.localdate()
    labels = {1: _("Today"), 7: _("Last 7 days"), 30: _("Last 30 days")}
    return [
        Option(labels[days], _href(filters, "since", (today - timedelta(days=days - 1)).isoformat(), without="until"))
        for days in LAST_DAYS
    ]


def filter_chips(filters: Filters, menus: list[FilterMenu]) -> list[FilterChip]:
    """Returns a chip for each filter in use, in the order of the query string; not for the search and the views."""
    by_name = {menu.name: menu for menu in menus}
    is_view = any(view.is_current for view in status_views(filters))
    names = dict.fromkeys(name for name, _value in filters.pairs)
    return [
        _chip(filters, name, by_name.get(name)) for name in names if name != "q" and not (name == "status" and is_view)
    ]


def _chip(filters: Filters, name: str, menu: FilterMenu | None) -> FilterChip:
    values = [part for value in filters.values_of(name) for part in value.split(",") if part]
    if menu:
        label, text = menu.label, _(" or ").join(menu.value_labels.get(value, value) for value in values)
    elif name == "status":
        label, text = _("Status"), _(" or ").join(map(status_label, values))
    else:
        label, text = str(FIELD_LABELS.get(name, name)), ", ".join(values)
    return FilterChip(label, text, f"?{filters.query_without(name)}")


def _menu(filters: Filters, name: str, label: str, choices: list[tuple[str, str]]) -> FilterMenu:
    chosen = ",".join(filters.values_of(name))
    options = [Option(text, _href(filters, name, value), is_current=value == chosen) for value, text in choices]
    return FilterMenu(name, label, options, dict(choices))


def _href(filters: Filters, name: str, value: str, without: str = "") -> str:
    """Returns the query string with this value of the filter; "?" where nothing is left."""
    pairs = [pair for pair in filters.pairs if pair[0] not in (name, without)]
    return f"?{urlencode([*pairs, *([(name, value)] if value else [])])}"


def _project_label(project: Project) -> str:
    return _("%(project)s (archived)") % {"project": project} if project.is_archived else str(project)


def _member_label(member: Member, reader: Member) -> str:
    name = member.user.display_name
    return _("%(name)s (you)") % {"name": name} if member.pk == reader.pk else name
