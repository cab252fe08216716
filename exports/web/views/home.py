"""The start page (choice of a team) and a team's home page."""

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
from exports.metrics.workers import get_workers
from exports.models import AuditEntry, Export, Member
from exports.web import rendering
from exports.web.decorators import SignedInRequest, sign_in_required, team_member_required
from exports.web.export_rows import build_rows, select_for_rows

MAX_EXPORTS: Final = 10
MAX_PROJECTS: Final = 8
MAX_EVENTS: Final = 8
FAILED_DAYS: Final = 14
DONE_DAYS: Final = 7
# Only this many of the latest failures are checked for a retry, which bounds the query; the list has the others.
MAX_FAILURES_CHECKED: Final = 50
# Failures without a retry, `unconfirmed` ones first.
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
# Audit entries that every member may read; the others are for owners.
EXPORT_VERBS: Final = ("asked for", "retried", "adopted", "canceled", "deleted file")
EXPORT_NUMBER: Final = re.compile(r"\bexport (\d{1,18})\b")


@dataclass(frozen=True)
class RecentEvent:
    """An audit entry as the home page shows it. `export_id` is set when its target is an export."""

    actor: str
    verb: str
    target: str
    at: datetime
    export_id: int | None


@sign_in_required
def start(request: SignedInRequest) -> HttpResponseBase:
    """Redirects to the home of the user's only team; with none or several, lists them."""
    teams = list(access.teams(request.user))
    if len(teams) == 1 and "choose" not in request.GET:
        return redirect("web:home", teams[0].slug)
    return render(request, "home/choose_team.html", {"teams": teams})


@team_member_required()
def home(request: SignedInRequest, member: Member) -> HttpResponseBase:
    """Shows failures, exports in progress and done, freshness, storage; or the first step when there is no export."""
    context = home_context(member)
    return rendering.render_live_page(
        request,
        member,
        "home/home.html",
        "home/partials/home_live.html",
        context,
        refreshing=bool(context["in_progress"]),
    )


def home_context(member: Member) -> dict[str, Any]:
    """Returns the context of the home page."""
    latest = _latest_exports(member)
    refused_credentials = freshness.refused_credentials(member.team)
    if not latest and not refused_credentials:
        return {"section": "home", "in_progress": [], "first_step": _first_step(member)}
    in_progress = [export for export in latest if export.is_open]
    failures = [export for export in latest if export.status == states.FAILED]
    failures.sort(key=lambda export: export.error_code != "unconfirmed")
    done = list(filter(_is_done_recently, latest))[:MAX_EXPORTS]
    shown = [*failures, *in_progress[:MAX_EXPORTS], *done]
    rows = {row.export.pk: row for row in build_rows(member, shown)}
    return {
        "section": "home",
        "first_step": "",
        "failures": [rows[export.pk] for export in failures],
        "refused_credentials": refused_credentials,
        "in_progress": [rows[export.pk] for export in in_progress[:MAX_EXPORTS]],
        "has_more_in_progress": len(in_progress) > MAX_EXPORTS,
        "done": [rows[export.pk] for export in done],
        "workers": get_workers(),
        "projects_by_freshness": list(freshness.projects_by_freshness(access.projects(member))[:MAX_PROJECTS]),
        "recent_events": _recent_events(member),
    }


def _latest_exports(member: Member) -> list[Export]:
    """Returns the exports that the home page shows, newest first, in one query that is bounded for any history."""
    team, since = member.team_id, timezone.now() - timedelta(days=FAILED_DAYS)
    limits = [(states.WAITING, MAX_EXPORTS + 1), (states.PROCESSING, MAX_EXPORTS + 1)]
    limits += [(states.SUCCEEDED, MAX_EXPORTS), (states.CANCELED, MAX_EXPORTS)]
    params = [team, states.FAILED, MAX_FAILURES_CHECKED, connection.ops.adapt_datetimefield_value(since), MAX_EXPORTS]
    params += [value for status, limit in limits for value in (team, status, limit)]
    sql = " UNION ALL ".join([LATEST_FAILURES_SQL, *[LATEST_BY_STATUS_SQL] * len(limits)])
    ids = RawSQL(sql, params)  # noqa: S611  the SQL is constant text of this module
    return list(select_for_rows(access.exports(member)).filter(pk__in=ids).order_by("-pk"))


def _is_done_recently(export: Export) -> bool:
    """Whether the export succeeded or was canceled within the last DONE_DAYS days."""
    at = export.finished_at
    since = timezone.now() - timedelta(days=DONE_DAYS)
    return export.status in (states.SUCCEEDED, states.CANCELED) and at is not None and at > since


def _recent_events(member: Member) -> list[RecentEvent]:
    """Returns the latest audit entries that the member may read, newest first."""
    entries = AuditEntry.objects.filter(team=member.team).select_related("user").order_by("-pk")
    if access.MANAGE not in access.ROLE_PERMISSIONS[member.role]:
        entries = entries.filter(verb__in=EXPORT_VERBS)
    events = []
    for entry in entries[:MAX_EVENTS]:
        match = EXPORT_NUMBER.search(entry.target) if entry.verb in EXPORT_VERBS else None
        actor = entry.user.display_name if entry.user else entry.actor
        events.append(RecentEvent(actor, entry.verb, entry.target, entry.at, int(match[1]) if match else None))
    return events


def _first_step(member: Member) -> str:
    """Returns what a team without exports needs next: "credential", "project" or "export"."""
    if not access.credentials(member).exists():
        return "credential"
    return "export" if access.projects(member).exists() else "project"
