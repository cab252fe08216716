"""The way in, and a team's home."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models.expressions import RawSQL
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone

from exports import access, states
from exports.engine import freshness
from exports.models import Event, Export, Member
from exports.web import show
from exports.web.asked import Asked, in_team, signed_in
from exports.web.rows import followed, rows

SHOWN: Final = 10
FRESH: Final = 8
LATELY: Final = 8
FAILED_DAYS: Final = 14
DONE_DAYS: Final = 7
# So many of the latest failures are asked whether they still matter; older ones among very many are in the list.
LOOKED_AT: Final = 50
# A failure that somebody has asked for again needs nobody's attention any more.
FAILED: Final = """
    SELECT id FROM (
        SELECT id FROM (
            SELECT id, finished_at, error_code FROM exports_export
            WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
        ) AS latest
        WHERE finished_at > %s AND NOT EXISTS (SELECT 1 FROM exports_export AS r WHERE r.retry_of_id = latest.id)
        ORDER BY CASE error_code WHEN 'unconfirmed' THEN 0 ELSE 1 END, id DESC LIMIT %s
    ) AS failed
"""
NEWEST: Final = """
    SELECT id FROM (
        SELECT id FROM exports_export WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
    ) AS newest
"""
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
    health = freshness.health(member.team)
    if not latest and not health.broken:
        return {"section": "home", "moving": [], "begin": _first_step(member)}
    moving = [one for one in latest if one.is_open]
    failed = [one for one in latest if one.status == states.FAILED]
    failed.sort(key=lambda one: one.error_code != "unconfirmed")
    shown = (failed, moving[:SHOWN], list(filter(_done_lately, latest))[:SHOWN])
    made = {row.export.pk: row for row in rows(member, {one.pk: one for part in shown for one in part}.values())}
    parts = [[made[one.pk] for one in part] for part in shown]
    return {
        "section": "home",
        "begin": "",
        "failed": parts[0],
        "broken": health.broken,
        "moving": parts[1],
        "more_moving": len(moving) > SHOWN,
        "done": parts[2],
        "resting": bool(moving) and not health.worker,
        "worker": health.worker,
        "fresh": list(freshness.projects(access.projects(member))[:FRESH]),
        "deeds": _deeds(member),
        "failed_days": FAILED_DAYS,
    }


def _latest(member: Member) -> list[Export]:
    """What any part of the home shows of exports, newest first, in one query whatever the history holds."""
    team, since = member.team_id, timezone.now() - timedelta(days=FAILED_DAYS)
    of_status = [(states.WAITING, SHOWN + 1), (states.PROCESSING, SHOWN + 1)]
    of_status += [(states.SUCCEEDED, SHOWN), (states.CANCELED, SHOWN)]
    given = [team, states.FAILED, LOOKED_AT, connection.ops.adapt_datetimefield_value(since), SHOWN]
    given += [value for status, count in of_status for value in (team, status, count)]
    wanted = RawSQL(" UNION ALL ".join([FAILED, *[NEWEST] * len(of_status)]), given)  # noqa: S611  our own text
    return list(followed(access.exports(member)).filter(pk__in=wanted).order_by("-pk"))


def _done_lately(export: Export) -> bool:
    at = export.finished_at
    since = timezone.now() - timedelta(days=DONE_DAYS)
    return export.status in (states.SUCCEEDED, states.CANCELED) and at is not None and at > since


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
