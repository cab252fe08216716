"""The context of a team's home page: what needs attention, what runs, whether everything is fresh."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone

from exports import access, states
from exports.metrics.workers import get_workers
from exports.models import AuditEntry, Credential, Export, Member, Schedule
from exports.sentences import translated
from exports.templatetags.charts import Day
from exports.web import daily_counts, presenter
from exports.web.activity_lines import Line, group_by_day
from exports.web.export_rows import ExportRow, build_rows, select_for_rows
from exports.web.home_projects import HomeProjects, home_projects

MAX_RUNNING_SHOWN: Final = 5
MAX_FAILURES: Final = 50
MAX_FAILURES_SHOWN: Final = 3
MAX_REFUSED_SHOWN: Final = 3
MAX_EVENTS: Final = 6
MAX_SCHEDULES: Final = 6
FAILED_DAYS: Final = 14
CHART_DAYS: Final = 30
WEEK: Final = 7
# Failures of the last weeks without a retry that nobody dismissed, `unconfirmed` first; only the latest are looked at.
LATEST_FAILURES_SQL: Final = """
    SELECT id FROM (
        SELECT id FROM (
            SELECT id, finished_at, dismissed_at FROM exports_export
            WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
        ) AS latest
        WHERE finished_at > %s AND dismissed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM exports_export AS r WHERE r.retry_of_id = latest.id)
    ) AS failed
"""
LATEST_BY_STATUS_SQL: Final = """
    SELECT id FROM (
        SELECT id FROM exports_export WHERE team_id = %s AND status = %s ORDER BY id DESC LIMIT %s
    ) AS newest
"""
SCHEDULES_SQL: Final = """
    SELECT id FROM (
        SELECT s.id FROM exports_schedule AS s
            JOIN exports_project AS p ON p.id = s.project_id AND p.archived_at IS NULL
        WHERE s.team_id = %s AND NOT s.enabled AND s.disabled_reason <> '' ORDER BY s.id DESC LIMIT %s
    ) AS stopped
    UNION ALL
    SELECT id FROM (
        SELECT s.id FROM exports_schedule AS s
            JOIN exports_project AS p ON p.id = s.project_id AND p.archived_at IS NULL
        WHERE s.team_id = %s AND s.ask_at IS NOT NULL ORDER BY s.ask_at LIMIT %s
    ) AS next
"""
# Audit entries that every member may read; the others are for owners.
EXPORT_VERBS: Final = (
    "asked for",
    "retried",
    "ran again",
    "adopted",
    "canceled",
    "dismissed",
    "deleted file",
    "downloaded",
)


@dataclass(frozen=True)
class FailureLine:
    """A failed export with what helps. `others`: how many more failed for the same cause.

    `text`: what happened, in a line: the export's message, but the title where a message begins with it and is cut.
    """

    row: ExportRow
    text: str
    action_label: str
    is_theirs: bool
    others: int


@dataclass(frozen=True)
class RefusedLine:
    """A credential that its provider refuses, and how many of the team's failures that explains."""

    credential: Credential
    failed: int


@dataclass(frozen=True)
class Week:
    """The last seven days beside the seven before. `change`: of successes in percent; None where there were none."""

    succeeded: int
    change: int | None
    rate: float | None
    rates: list[float]

    @property
    def change_size(self) -> int:
        """The change without its sign."""
        return abs(self.change or 0)

    @property
    def is_more(self) -> bool:
        """Whether more succeeded than in the week before."""
        return (self.change or 0) > 0


def home_context(member: Member) -> dict[str, Any]:
    """Returns the context of the home page, in ten queries with what the request itself needs."""
    projects = home_projects(member)
    latest = _latest_exports(member)
    if not latest and not projects.refused:
        return {"section": "home", "in_progress": [], "first_step": _first_step(projects)}
    running = [export for export in latest if export.is_open]
    failures = [export for export in latest if _needs_attention(export)]
    refused = [_refused_line(credential, failures) for credential in projects.refused[:MAX_REFUSED_SHOWN]]
    told = [("credential", line.credential.pk) for line in refused]
    causes = _causes([export for export in failures if _cause(export) not in told])[:MAX_FAILURES_SHOWN]
    rows = build_rows(member, [*running[:MAX_RUNNING_SHOWN], *(same[0] for same in causes)])
    in_progress, failed = rows[: len(rows) - len(causes)], rows[len(rows) - len(causes) :]
    days = daily_counts.last_days(member.team, CHART_DAYS)
    schedules = _schedules(member)
    return {
        "section": "home",
        "first_step": "",
        "stopped_schedules": [schedule for schedule in schedules if not schedule.enabled],
        "next_schedules": [schedule for schedule in schedules if schedule.enabled][:3],
        "failure_count": len(failures) if len(failures) < MAX_FAILURES else f"{MAX_FAILURES}+",
        "your_failures": sum(export.error_action == "you" for export in failures),
        "failures": [_failure_line(row, len(same) - 1) for row, same in zip(failed, causes, strict=True)],
        "refused_credentials": refused,
        "running_count": getattr(latest[0], "running_total", 0) if latest else 0,
        "waiting_count": getattr(latest[0], "waiting_total", 0) if latest else 0,
        "next_check_at": _next_check(running),
        "in_progress": in_progress,
        "more_in_progress": len(running) > MAX_RUNNING_SHOWN,
        "workers": get_workers() if in_progress else None,
        "days": days,
        "totals": [sum(getattr(day, name) for day in days) for name in ("succeeded", "failed", "canceled")],
        "week": _week(days),
        "freshness": projects.freshness,
        "unprotected": projects.unprotected,
        "stored_percent": _stored_percent(member),
        "activity": _activity(member),
    }


def _latest_exports(member: Member) -> list[Export]:
    """Returns open exports and failures, the newest first, in one query that is bounded for any history.

    Without any, the latest of the others tells that there were some.
    """
    team, since = member.team_id, timezone.now() - timedelta(days=FAILED_DAYS)
    params: list[Any] = [team, states.FAILED, MAX_FAILURES, connection.ops.adapt_datetimefield_value(since)]
    limits = [(states.WAITING, MAX_RUNNING_SHOWN + 1), (states.PROCESSING, MAX_RUNNING_SHOWN + 1)]
    limits += [(states.SUCCEEDED, 1), (states.CANCELED, 1), (states.FAILED, 1)]
    params += [value for status, limit in limits for value in (team, status, limit)]
    sql = " UNION ALL ".join([LATEST_FAILURES_SQL, *[LATEST_BY_STATUS_SQL] * len(limits)])
    ids = RawSQL(sql, params)  # noqa: S611  the SQL is constant text of this module
    totals = {"running_total": _total(member, states.PROCESSING), "waiting_total": _total(member, states.WAITING)}
    return list(select_for_rows(access.exports(member)).filter(pk__in=ids).annotate(**totals).order_by("-pk"))


def _next_check(running: Sequence[Export]) -> datetime | None:
    """Returns when the portal next asks about one of them; None where more run than are known here."""
    times = [export.next_step_at for export in running if export.status == states.PROCESSING and export.next_step_at]
    return min(times, default=None) if len(running) <= MAX_RUNNING_SHOWN else None


def _total(member: Member, status: str) -> Coalesce:
    """Returns an expression: how many of the team's exports have this status; an index alone says it."""
    rows = Export.objects.filter(team=member.team_id, status=status).order_by().values("status")
    return Coalesce(Subquery(rows.annotate(total=Count("pk")).values("total")), 0)


def _needs_attention(export: Export) -> bool:
    """Whether it failed lately and nobody has retried or dismissed it."""
    since = timezone.now() - timedelta(days=FAILED_DAYS)
    is_settled = getattr(export, "retry_pk", None) is not None or export.dismissed_at is not None
    return export.status == states.FAILED and not is_settled and (export.finished_at or since) > since


def _causes(failures: Sequence[Export]) -> list[list[Export]]:
    """Returns the failures by cause, the latest of each first: causes of those that may still run at the provider come
    first, then those for the reader to mend."""
    causes: dict[tuple[Any, ...], list[Export]] = {}
    for export in failures:
        causes.setdefault(_cause(export), []).append(export)
    return sorted(causes.values(), key=lambda exports: _rank(exports[0]))


def _failure_line(row: ExportRow, others: int) -> FailureLine:
    failure = presenter.explain_failure(row.export)
    text = translated(row.export.error_message)
    if failure and row.export.error_code == "unconfirmed":
        text = failure.title
    return FailureLine(row, text, failure.action_label if failure else "", row.export.error_action != "you", others)


def _refused_line(credential: Credential, failures: Sequence[Export]) -> RefusedLine:
    return RefusedLine(credential, sum(_cause(export) == ("credential", credential.pk) for export in failures))


def _cause(export: Export) -> tuple[Any, ...]:
    """A refused credential is one cause for all its projects; other failures are one for the same project and kind."""
    if export.error_code == "credential" and not export.error_message.startswith(states.NO_ACCESS):
        return "credential", export.project.credential_id
    return export.error_code, export.project_id, export.type


def _rank(export: Export) -> tuple[bool, bool, int]:
    return export.error_code != "unconfirmed", export.error_action != "you", -export.pk


def _week(days: Sequence[Day]) -> Week:
    """Compares the last seven days with the seven before."""
    this, before = days[-WEEK:], days[-2 * WEEK : -WEEK]
    succeeded, earlier = sum(day.succeeded for day in this), sum(day.succeeded for day in before)
    ended = succeeded + sum(day.failed for day in this)
    change = round(100 * (succeeded - earlier) / earlier) if earlier else None
    rates = daily_counts.success_rates(days[-2 * WEEK :])
    return Week(succeeded, change, 100 * succeeded / ended if ended else None, rates)


def _schedules(member: Member) -> list[Schedule]:
    """Returns schedules that the portal stopped and nobody has looked after yet, then those that run next."""
    team = member.team_id
    ids = RawSQL(SCHEDULES_SQL, [team, MAX_SCHEDULES, team, MAX_SCHEDULES])  # noqa: S611  constant text of this module
    rows = access.schedules(member).filter(pk__in=ids)
    return list(rows.order_by("enabled", "ask_at", "-pk")[:MAX_SCHEDULES])


def _stored_percent(member: Member) -> float | None:
    """Returns how much of its quota the team uses, in percent; None without a quota."""
    quota = member.team.quota_bytes
    return None if quota is None else min(100.0, 100 * member.team.kept_bytes / quota) if quota else 100.0


def _activity(member: Member) -> list[Line]:
    """Returns the latest lines of the activity that the member may read, newest first."""
    entries = AuditEntry.objects.filter(team=member.team).select_related("user").order_by("-pk")
    if access.MANAGE not in access.ROLE_PERMISSIONS[member.role]:
        entries = entries.filter(verb__in=EXPORT_VERBS)
    return [line for _at, lines in group_by_day(list(entries[: MAX_EVENTS * 3])) for line in lines][:MAX_EVENTS]


def _first_step(projects: HomeProjects) -> str:
    """Returns what a team without exports needs next: "credential", "project" or "export"."""
    if not projects.has_credentials:
        return "credential"
    return "export" if projects.has_projects else "project"
