"""The lists of the admin site in groups, as its sidebar and its index show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _l

from exports import models

OVERVIEW: Final = "overview"


@dataclass(frozen=True)
class Entry:
    """A list: its model, what it is called, what it holds in a few words, and its icon."""

    model: type[Model]
    label: Promise
    note: Promise
    icon: str


@dataclass(frozen=True)
class Link:
    """A link of the sidebar. `section` is the model's name, as it stands in the address."""

    section: str
    label: Promise | str
    note: Promise | str
    href: str
    icon: str
    add_href: str = ""


@dataclass(frozen=True)
class LinkGroup:
    """Links under one heading. The first group has none, so `name` is only for screen readers there."""

    name: Promise | str
    links: list[Link]
    has_heading: bool = True


GROUPS: Final[tuple[tuple[Promise, Sequence[Entry]], ...]] = (
    (
        _l("Work"),
        (
            Entry(models.Export, _l("Exports"), _l("All teams, newest first"), "list"),
            Entry(models.File, _l("Files"), _l("Kept, deleted and damaged"), "file"),
            Entry(models.OutboxMessage, _l("Deliveries"), _l("Mails, alerts and webhooks"), "mail"),
            Entry(models.Change, _l("History"), _l("Each change of each export"), "clock"),
            Entry(models.Call, _l("Provider calls"), _l("Requests and answers, without secrets"), "code"),
        ),
    ),
    (
        _l("Teams"),
        (
            Entry(models.Team, _l("Teams"), _l("Members, credentials, quotas"), "users"),
            Entry(models.User, _l("People"), _l("Accounts and permissions"), "person"),
            Entry(models.Token, _l("API tokens"), _l("Last use, expiry, revocation"), "key"),
            Entry(models.AuditEntry, _l("Activity"), _l("Who did what, admins included"), "pulse"),
        ),
    ),
    (
        _l("Projects"),
        (
            Entry(models.Project, _l("Projects"), _l("Of every team and provider"), "box"),
            Entry(models.Credential, _l("Credentials"), _l("State and last use, no secrets"), "lock"),
            Entry(models.Schedule, _l("Schedules"), _l("Next runs, and those that stopped"), "cal"),
            Entry(models.ScheduleRun, _l("Planned times"), _l("What became of each"), "check"),
        ),
    ),
    (
        _l("Engine"),
        (
            Entry(models.Heartbeat, _l("Nodes and beats"), _l("Who is there, with which queues"), "cube"),
            Entry(models.OpenCircuit, _l("Open circuits"), _l("Providers that do not answer"), "bolt"),
            Entry(models.RateLimitPause, _l("Paused rate limits"), _l("Credentials that wait after a 429"), "pause"),
        ),
    ),
)
ENTRIES: Final = {entry.model: entry for _name, entries in GROUPS for entry in entries}


def list_label(model: type[Model]) -> Promise | str:
    """What the list of a model is called."""
    entry = ENTRIES.get(model)
    return entry.label if entry else capfirst(model._meta.verbose_name_plural or "")


def list_groups(site: AdminSite, request: HttpRequest) -> list[LinkGroup]:
    """Returns the groups with the lists that the person may see; models without an entry come last."""
    known = [(name, list(entries)) for name, entries in GROUPS]
    rest = [Entry(model, _l("More"), _l("More"), "dot") for model in site._registry if model not in ENTRIES]
    found = []
    for name, entries in [*known, (_l("More"), rest)]:
        links = [link for entry in entries if (link := _link(site, request, entry))]
        if links:
            found.append(LinkGroup(name, links))
    return found


def sidebar(site: AdminSite, request: HttpRequest) -> list[LinkGroup]:
    """Returns the groups of the sidebar: the overview, then the lists."""
    first = Link(OVERVIEW, _l("Overview"), "", reverse("admin:index"), "home")
    return [LinkGroup(_l("Main"), [first], has_heading=False), *list_groups(site, request)]


def _link(site: AdminSite, request: HttpRequest, entry: Entry) -> Link | None:
    model_admin = site._registry.get(entry.model)
    if model_admin is None or not model_admin.has_view_or_change_permission(request):
        return None
    meta = entry.model._meta
    base = f"admin:{meta.app_label}_{meta.model_name}"
    add = reverse(f"{base}_add") if model_admin.has_add_permission(request) else ""
    label = list_label(entry.model)
    return Link(str(meta.model_name), label, entry.note, reverse(f"{base}_changelist"), entry.icon, add)
