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
from exports.exporting import freshness
from exports.models import AuditEntry, Export, Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, sign_in_required, team_member_required
from exports.web.export_rows import build_rows, select_for_rows

MAX_EXPORTS: Final = 10
MAX_PROJECTS: Final = 8
MAX_EVENTS: Final = 8
FAILED_DAYS: Final = 14
DONE_DAYS: Final = 7
# So many of the latest failures are asked whether they still matter; older ones among very many are in the list.
MAX_FAILURES_CHECKED: Final = 50
# A failure that somebody has asked for again needs nobody's attention any more.
LATEST_FAILURES_SQL: Final = """
    SELECT id FROM (
        SELECT id FROM (
            SELECT id, finished_at, error_code FROM exports_export
            WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
        ) AS latest
        WHERE finished_at > %s AND NOT EXISTS (SELECT 1 FROM exports_export AS r WHERE r.retry_of_id = latest.id)
        ORDER BY CASE error_code WHEN 'unconfirmed' THEN 0 ELSE 1 END, id DESC LIMIT %s
    ) AS failed
"""
LATEST_BY_STATUS_SQL: Final = """
    SELECT id FROM (
        SELECT id FROM exports_export WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
    ) AS newest
"""
# What everybody in the team may read of its activity; the rest is for those who hold the keys.
EXPORT_VERBS: Final = ("asked for", "retried", "adopted", "canceled", "deleted file")
EXPORT_NUMBER: Final = re.compile(r"\bexport (\d{1,18})\b")


@dataclass(frozen=True)
class RecentEvent:
    """Something that somebody did. `number`: of the export it was done to, if it was one."""

    actor: str
    verb: str
    target: str
    at: datetime
    export_id: int | None


@sign_in_required
def start(request: SignedInRequest) -> HttpResponseBase:
    """The team's home; with several teams, a choice."""
    teams = list(access.teams(request.user))
    if len(teams) == 1 and "choose" not in request.GET:
        return redirect("web:home", teams[0].slug)
    return render(request, "home/choose_team.html", {"teams": teams})


@team_member_required()
def home(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Needs attention, in progress, done lately, how fresh, how much; and where to begin when there is nothing yet."""
    context = home_context(member)
    return rendering.render_live_page(
        request, member, "home/home.html", "home/partials/home_live.html", context, moving=bool(context["moving"])
    )


def home_context(member: Member) -> dict[str, Any]:
    """What the home shows."""
    latest = _latest(member)
    health = freshness.get_team_health(member.team)
    if not latest and not health.refused_credentials:
        return {"section": "home", "moving": [], "begin": _first_step(member)}
    moving = [one for one in latest if one.is_open]
    failed = [one for one in latest if one.status == states.FAILED]
    failed.sort(key=lambda one: one.error_code != "unconfirmed")
    shown = (failed, moving[:MAX_EXPORTS], list(filter(_done_lately, latest))[:MAX_EXPORTS])
    made = {row.export.pk: row for row in build_rows(member, {one.pk: one for part in shown for one in part}.values())}
    parts = [[made[one.pk] for one in part] for part in shown]
    return {
        "section": "home",
        "begin": "",
        "failed": parts[0],
        "refused_credentials": health.refused_credentials,
        "moving": parts[1],
        "more_moving": len(moving) > MAX_EXPORTS,
        "done": parts[2],
        "worker_missing": bool(moving) and not health.worker_alive,
        "worker": health.worker_alive,
        "fresh": list(freshness.projects_by_freshness(access.projects(member))[:MAX_PROJECTS]),
        "deeds": _deeds(member),
        "failed_days": FAILED_DAYS,
    }


def _latest(member: Member) -> list[Export]:
    """What any part of the home shows of exports, newest first, in one query whatever the history holds."""
    team, since = member.team_id, timezone.now() - timedelta(days=FAILED_DAYS)
    of_status = [(states.WAITING, MAX_EXPORTS + 1), (states.PROCESSING, MAX_EXPORTS + 1)]
    of_status += [(states.SUCCEEDED, MAX_EXPORTS), (states.CANCELED, MAX_EXPORTS)]
    given = [team, states.FAILED, MAX_FAILURES_CHECKED, connection.ops.adapt_datetimefield_value(since), MAX_EXPORTS]
    given += [value for status, count in of_status for value in (team, status, count)]
    wanted = RawSQL(" UNION ALL ".join([LATEST_FAILURES_SQL, *[LATEST_BY_STATUS_SQL] * len(of_status)]), given)  # noqa: S611  our own text
    return list(select_for_rows(access.exports(member)).filter(pk__in=wanted).order_by("-pk"))


def _done_lately(export: Export) -> bool:
    at = export.finished_at
    since = timezone.now() - timedelta(days=DONE_DAYS)
    return export.status in (states.SUCCEEDED, states.CANCELED) and at is not None and at > since


def _deeds(member: Member) -> list[RecentEvent]:
    """Who did what, newest first."""
    events = AuditEntry.objects.filter(team=member.team).select_related("user").order_by("-pk")
    if access.MANAGE not in access.ROLE_PERMISSIONS[member.role]:
        events = events.filter(verb__in=EXPORT_VERBS)
    deeds = []
    for one in events[:MAX_EVENTS]:
        number = EXPORT_NUMBER.search(one.target) if one.verb in EXPORT_VERBS else None
        who = one.user.display_name if one.user else one.actor
        deeds.append(RecentEvent(who, one.verb, one.target, one.at, int(number[1]) if number else None))
    return deeds


def _first_step(member: Member) -> str:
    """Where a team without exports goes on: credential, project, export."""
    if not access.credentials(member).exists():
        return "credential"
    return "export" if access.projects(member).exists() else "project"
