"""The team's exports: the shared history, and one export's page with all that happened."""

import json
from typing import Any, Final

from django.http import Http404
from django.http.response import HttpResponseBase

from exports import access, files, states
from exports.models import Call, Change, Export, Member
from exports.providers.base import Kind
from exports.web import lists, show, story
from exports.web.asked import Asked, in_team

FIRST_CALLS: Final = 20
LAST_CALLS: Final = 180
# Reasons after which a job may run at the provider all the same.
ADOPTABLE: Final = frozenset({"deadline", "unconfirmed", "unreadable"})


@in_team()
def listing(request: Asked, member: Member) -> HttpResponseBase:
    """The shared history; filters and place are in the address."""
    found = lists.exports(member, request.GET)
    moving = any(export.is_open for export in found["rows"])
    return show.live(request, member, "exports/list.html", "exports/rows.html", found, moving=moving)


@in_team()
def export(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """Result first, then the timeline, then the rest."""
    one = access.export(member, pk)
    context = about(one)
    return show.live(request, member, "exports/export.html", "exports/now.html", context, moving=one.is_open)


@in_team()
def file(request: Asked, member: Member, pk: int) -> HttpResponseBase:
    """The bytes, whole or in part."""
    one = access.export(member, pk)
    if one.file is None:
        raise Http404("This export has no file.")
    try:
        return files.serve(request, one.file)
    except files.GoneError as problem:
        raise Http404(str(problem)) from None


def about(export: Export) -> dict[str, Any]:
    """What the page of an export shows."""
    kind = _kind(export)
    calls, count = _calls(export)
    return {
        "section": "exports",
        "export": export,
        "kind": kind,
        "live_title": story.title(export),
        "stages": story.stages(export),
        "next": story.next_step(export),
        "trouble": story.trouble(export),
        "cancel_note": export.project.provider.cancel_note if kind else "",
        "adoptable": export.status == states.FAILED and export.error_code in ADOPTABLE,
        "option_rows": _options(export, kind),
        "changes": list(Change.objects.filter(export=export).order_by("seq")),
        "retries": list(export.retries.order_by("pk")),
        "calls": calls,
        "call_count": count,
    }


def _kind(export: Export) -> Kind | None:
    try:
        return export.kind
    except KeyError:
        return None


def _options(export: Export, kind: Kind | None) -> list[tuple[str, str]]:
    """Options by the names that the form has for them."""
    fields = kind.options.base_fields if kind else {}
    shown = []
    for name, value in export.options.items():
        label = (fields[name].label if name in fields else None) or name.replace("_", " ").capitalize()
        if isinstance(value, bool):
            value = "Yes" if value else "No"
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        shown.append((str(label), json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)))
    return shown


def _calls(export: Export) -> tuple[list[Call], int]:
    """The calls, oldest first; of very many only the first and the latest. And how many there are."""
    rows = Call.objects.filter(export=export)
    latest = list(rows.order_by("-pk")[: FIRST_CALLS + LAST_CALLS + 1])[::-1]
    if len(latest) <= FIRST_CALLS + LAST_CALLS:
        return latest, len(latest)
    return [*rows.order_by("pk")[:FIRST_CALLS], *latest[-LAST_CALLS:]], rows.count()
