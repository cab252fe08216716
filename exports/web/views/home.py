"""The way in, and a team's home."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from exports import access, states
from exports.engine import freshness
from exports.models import Event, Export, Member
from exports.web import show
from exports.web.asked import Asked, in_team, signed_in
from exports.web.rows import Row, followed, rows

SHOWN: Final = 10
FRESH: Final = 8
LATELY: Final = 8
FAILED_DAYS: Final = 14
DONE_DAYS: Final = 7
# So many of the latest failures are asked whether they still matter; older ones among very many are in the list.
LOOKED_AT: Final = 50
# What everybody in the team may read of its activity; the rest is for those who hold the keys.
OF_EXPORTS: Final = ("asked for", "retried", "adopted", "canceled", "deleted file")
NUMBER: Final = re.compile(r"\bexport (\d{1,18})\b")


@dataclass(frozen=True)
class Deed:
    """Something that somebody did. `number`: of the export it was done to, if it was one."""

    who: str
    did: str
    thing: str
    at: datetime
    number: int | None


@signed_in
def start(request: Asked) -> HttpResponseBase:
    """The team's home; with several teams, a choice."""
    teams = list(access.teams(request.user))
    if len(teams) == 1 and "choose" not in request.GET:
        return redirect("web:home", teams[0].slug)
    return render(request, "home/start.html", {"teams": teams})


@in_team()
def home(request: Asked, member: Member) -> HttpResponseBase:
    """Needs attention, in progress, done lately, how fresh, how much; and where to begin when there is nothing yet."""
    context = overview(member)
    return show.live(request, member, "home/home.html", "home/now.html", context, moving=bool(context["moving"]))


def overview(member: Member) -> dict[str, Any]:
    """What the home shows."""
    latest = _latest(member)
    broken = list(access.credentials(member).exclude(trouble="").order_by("name")[:SHOWN])
    if not latest and not broken:
        return {"section": "home", "moving": [], "begin": _first_step(member)}
    kept = freshness.kept(member.team)
    moving = [row for row in latest if row.export.is_open]
    failed = sorted(filter(_needs_attention, latest), key=lambda row: row.export.error_code != "unconfirmed")
    return {
        "section": "home",
        "begin": "",
        "failed": failed[:SHOWN],
        "broken": broken,
        "moving": moving[:SHOWN],
        "more_moving": len(moving) > SHOWN,
        "done": list(filter(_done_lately, latest))[:SHOWN],
        "resting": bool(moving) and not kept.worker,
        "kept": kept,
        "fresh": list(freshness.projects(access.projects(member))[:FRESH]),
        "deeds": _deeds(member),
        "failed_days": FAILED_DAYS,
    }


def _latest(member: Member) -> list[Row]:
    """What any part of the home shows of exports, newest first, in one query whatever the history holds."""
    of_team = Export.objects.filter(team=member.team)

    def newest(some: QuerySet[Export], count: int) -> QuerySet[Export, Any]:
        # A slice inside, because SQLite takes none in a union.
        return Export.objects.filter(pk__in=some.order_by("-pk").values("pk")[:count]).values("pk")

    parts = [
        newest(of_team.filter(status=states.WAITING), SHOWN + 1),
        newest(of_team.filter(status=states.PROCESSING), SHOWN + 1),
        newest(of_team.filter(status=states.SUCCEEDED), SHOWN),
        newest(of_team.filter(status=states.CANCELED), SHOWN),
    ]
    wanted = newest(of_team.filter(status=states.FAILED), LOOKED_AT).union(*parts, all=True)
    return rows(member, followed(access.exports(member)).filter(pk__in=wanted).order_by("-pk"))


def _needs_attention(row: Row) -> bool:
    """A failure that somebody has asked for again needs nobody's attention any more."""
    at = row.export.finished_at
    since = timezone.now() - timedelta(days=FAILED_DAYS)
    return row.export.status == states.FAILED and row.later is None and at is not None and at > since


def _done_lately(row: Row) -> bool:
    at = row.export.finished_at
    since = timezone.now() - timedelta(days=DONE_DAYS)
    return row.export.status in (states.SUCCEEDED, states.CANCELED) and at is not None and at > since


def _deeds(member: Member) -> list[Deed]:
    """Who did what, newest first."""
    events = Event.objects.filter(team=member.team).select_related("user").order_by("-pk")
    if access.HOLD not in access.MAY[member.role]:
        events = events.filter(verb__in=OF_EXPORTS)
    deeds = []
    for one in events[:LATELY]:
        number = NUMBER.search(one.thing) if one.verb in OF_EXPORTS else None
        who = one.user.shown_name if one.user else one.actor
        deeds.append(Deed(who, one.verb, one.thing, one.at, int(number[1]) if number else None))
    return deeds


def _first_step(member: Member) -> str:
    """Where a team without exports goes on: credential, project, export."""
    if not access.credentials(member).exists():
        return "credential"
    return "export" if access.projects(member).exists() else "project"
