"""The sections of a team's pages and of its settings, as the sidebar and the settings' list show them.

To add a page: one `Entry` in its group. Its view passes the entry's `section` as `section` in its context (a page of
the settings: `settings_section` too), and the entry is shown as the current one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _l

from exports import access
from exports.models import Member


@dataclass(frozen=True)
class Entry:
    """A link to a page of a team. `permission`: a verb of `exports.access` that the member's role must allow.

    `key`: pressed after `g`, it opens the page.
    """

    section: str
    label: Promise
    url_name: str
    icon: str = ""
    permission: str = access.VIEW
    key: str = ""


@dataclass(frozen=True)
class Group:
    """Entries under one heading. The first group has none, so `name` is only for screen readers there."""

    name: Promise
    entries: Sequence[Entry]
    has_heading: bool = True


@dataclass(frozen=True)
class Link:
    """An entry with its address."""

    section: str
    label: Promise
    href: str
    icon: str
    key: str = ""


@dataclass(frozen=True)
class LinkGroup:
    """A group that has at least one link for the member."""

    name: Promise
    has_heading: bool
    links: list[Link]


GROUPS: Final = (
    Group(
        _l("Main"),
        (
            Entry("home", _l("Home"), "web:home", "home", key="h"),
            Entry("exports", _l("Exports"), "web:exports", "list", key="e"),
            Entry("projects", _l("Projects"), "web:projects", "box", key="p"),
        ),
        has_heading=False,
    ),
    Group(
        _l("Protect"),
        (
            Entry("schedules", _l("Schedules"), "web:schedules", "cal", key="s"),
            Entry("coverage", _l("Coverage"), "web:coverage", "shield", key="c"),
        ),
    ),
    Group(
        _l("Team"),
        (
            Entry("credentials", _l("Credentials"), "web:credentials", "key", key="k"),
            Entry("members", _l("Members"), "web:members", "users", key="m"),
            Entry("activity", _l("Activity"), "web:activity", "pulse", access.MANAGE, "a"),
            Entry("settings", _l("Settings"), "web:settings", "gear", key="t"),
        ),
    ),
)
# The pages of templates/settings/layout.html.
SETTINGS: Final[tuple[Entry, ...]] = (
    Entry("team", _l("Team"), "web:settings"),
    Entry("retention", _l("Retention"), "web:retention"),
    Entry("alerts", _l("Alerts"), "web:alerts"),
    Entry("webhooks", _l("Webhooks"), "web:webhooks"),
)


def sidebar(member: Member) -> list[LinkGroup]:
    """Returns the groups of the sidebar with the entries that the member may open."""
    groups = [LinkGroup(group.name, group.has_heading, _links(member, group.entries)) for group in GROUPS]
    return [group for group in groups if group.links]


def settings_pages(member: Member) -> list[Link]:
    """Returns the pages of the settings that the member may open."""
    return _links(member, SETTINGS)


def _links(member: Member, entries: Sequence[Entry]) -> list[Link]:
    allowed = access.ROLE_PERMISSIONS[member.role]
    return [
        Link(entry.section, entry.label, reverse(entry.url_name, args=[member.team.slug]), entry.icon, entry.key)
        for entry in entries
        if entry.permission in allowed
    ]
