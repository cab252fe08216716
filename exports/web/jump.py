"""What a member can jump to by typing: pages, projects, exports by number, credentials, schedules; and actions on them.

A search makes at most three queries, each bounded by the team and by a limit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db.models import Case, Model, Q, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import access
from exports.exporting.filters import MAX_ID, MAX_SEARCH_LENGTH, MAX_SEARCH_WORDS
from exports.models import Credential, Export, Member, Project, Schedule
from exports.providers.registry import PROVIDERS
from exports.templatetags.elements import status_icon, status_tone_class
from exports.templatetags.pages import heading, provider_label
from exports.templatetags.schedules import frequency, kind_of_schedule
from exports.web import navigation
from exports.web.project_list import search_projects

MAX_PROJECTS: Final = 6
MAX_OTHERS: Final = 4
MAX_ACTIONS: Final = 4
NEW_EXPORT: Final = navigation.Entry("new", _l("New export"), "web:new", "plus", access.EXPORT)
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Hit:
    """One thing to open. `provider`: a slug whose mark stands before it; else `icon` does, with `tone` as its class."""

    label: str
    href: str
    icon: str = ""
    provider: str = ""
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class HitGroup:
    """Hits of one sort, under their name."""

    name: str
    hits: list[Hit]


def find(member: Member, q: str) -> list[HitGroup]:
    """Returns what fits every word of `q`, by sort; for no words the pages alone. Sorts without a hit are left out."""
    words = q.replace("\0", "")[:MAX_SEARCH_LENGTH].split()[:MAX_SEARCH_WORDS]
    if not words:
        return [HitGroup(_("Pages"), _pages(member, []))]
    projects = _projects(member, words)
    number = _number(words)
    groups = [
        HitGroup(_("Exports"), _exports(member, number) if number else []),
        HitGroup(_("Projects"), [_project_hit(member, project) for project in projects]),
        HitGroup(_("Actions"), _actions(member, projects[:1])),
        HitGroup(_("Pages"), _pages(member, words)),
        HitGroup(_("Credentials"), _credentials(member, words)),
        # A number is none of a schedule's words.
        HitGroup(_("Schedules"), [] if number else _schedules(member, words)),
    ]
    return [group for group in groups if group.hits]


def _number(words: list[str]) -> int | None:
    """Returns the number that was typed alone, with or without "#"."""
    text = words[0].removeprefix("#")
    fits = len(words) == 1 and text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= MAX_ID
    return int(text) if fits else None


def _pages(member: Member, words: list[str]) -> list[Hit]:
    in_sidebar = (entry for group in navigation.GROUPS for entry in group.entries)
    entries = [NEW_EXPORT, *in_sidebar, *navigation.SETTINGS[1:]]
    allowed = access.ROLE_PERMISSIONS[member.role]
    return [
        Hit(str(entry.label), reverse(entry.url_name, args=[member.team.slug]), entry.icon or "gear")
        for entry in entries
        if entry.permission in allowed and _has_words(str(entry.label), words)
    ]


def _has_words(text: str, words: list[str]) -> bool:
    return all(word.casefold() in text.casefold() for word in words)


def _exports(member: Member, number: int) -> list[Hit]:
    rows = access.exports(member).filter(pk=number)
    return [_export_hit(member, export) for export in rows]


def _export_hit(member: Member, export: Export) -> Hit:
    href = reverse("web:export", args=[member.team.slug, export.pk])
    icon, tone = status_icon(export.status), status_tone_class(export.status)
    return Hit(f"#{export.pk}", href, icon, note=heading(export), tone=tone)


def _projects(member: Member, words: list[str]) -> list[Project]:
    rows = search_projects(access.projects(member), " ".join(words))
    return list(_best_first(rows, words[0])[:MAX_PROJECTS])


def _best_first(rows: QuerySet[M], word: str) -> QuerySet[M]:
    """Puts those first whose name begins with the word."""
    begins = Case(When(name__istartswith=word, then=Value(0)), default=Value(1))
    return rows.order_by(begins, "name", "pk")


def _project_hit(member: Member, project: Project) -> Hit:
    href = reverse("web:project", args=[member.team.slug, project.pk])
    return Hit(str(project), href, provider=project.credential.provider, note=project.credential.name)


def _actions(member: Member, projects: Iterable[Project]) -> list[Hit]:
    """Returns what can be done with the project that fits best: each of its exports' forms, and its exports."""
    hits = []
    for project in projects:
        provider = PROVIDERS.get(project.credential.provider)
        if provider and access.EXPORT in access.ROLE_PERMISSIONS[member.role]:
            for kind in provider.kinds:
                href = reverse("web:ask", args=[member.team.slug, project.pk, kind.type])
                text = _("Run %(kind)s of %(project)s") % {"kind": kind.label, "project": project}
                hits.append(Hit(text, href, "play"))
        href = f"{reverse('web:exports', args=[member.team.slug])}?project_id={project.pk}"
        hits.append(Hit(_("Exports of %(project)s") % {"project": project}, href, "list"))
    return hits[:MAX_ACTIONS]


def _credentials(member: Member, words: list[str]) -> list[Hit]:
    rows: QuerySet[Credential] = access.credentials(member).only("name", "provider", "last_error", "team_id")
    for word in words:
        rows = rows.filter(Q(name__icontains=word) | Q(provider__in=_providers_with(word)))
    return [
        Hit(
            row.name,
            reverse("web:credential", args=[member.team.slug, row.pk]),
            provider=row.provider,
            note=_("Rejected") if row.last_error else provider_label(row),
        )
        for row in _best_first(rows.select_related(None), words[0])[:MAX_OTHERS]
    ]


def _schedules(member: Member, words: list[str]) -> list[Hit]:
    rows: QuerySet[Schedule] = access.schedules(member).filter(project__archived_at=None)
    for word in words:
        types = [
            kind.type for provider in PROVIDERS.values() for kind in provider.kinds if _has_words(kind.label, [word])
        ]
        rows = rows.filter(Q(project__name__icontains=word) | Q(project__remote_id__icontains=word) | Q(type__in=types))
    return [
        Hit(
            f"{kind_of_schedule(row)}: {row.project}",
            reverse("web:schedule", args=[member.team.slug, row.pk]),
            "cal",
            note=frequency(row) if row.enabled else _("Off"),
        )
        for row in rows.order_by("-enabled", "project__name", "pk")[:MAX_OTHERS]
    ]


def _providers_with(word: str) -> list[str]:
    return [slug for slug, provider in PROVIDERS.items() if _has_words(provider.label, [word])]
