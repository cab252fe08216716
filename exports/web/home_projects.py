"""What the home page says of a team's credentials and projects: which are refused, late, unprotected. One query."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, F, FilteredRelation, Q, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from exports import access, clock
from exports.exporting.coverage import unprotected_total
from exports.exporting.freshness import providers_with_copies
from exports.models import Credential, Member, Project, Team
from exports.models.project import GoodUntil

MAX_PROJECTS_SHOWN: Final = 4
MAX_CREDENTIALS: Final = 50
CREDENTIAL_COLUMNS: Final = ("pk", "name", "provider", "last_error")
COUNTS: Final = ("total", "with_target", "late")
PROJECT_COLUMNS: Final = ("pk", "name", "remote_id", "fresh_within_hours", "last_good_at", "created_at")
COLUMNS: Final = (
    *CREDENTIAL_COLUMNS,
    *COUNTS,
    "has_projects",
    "unprotected",
    *(f"worst__{name}" for name in PROJECT_COLUMNS),
)
# In the statement's parameters these stand for the team and for now.
ANY_TEAM: Final = -7_316_202
ANY_TIME: Final = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Freshness:
    """How many projects have a good export that is young enough. `worst`: those shown, the longest late first."""

    fresh: int
    late: int
    without_target: int
    worst: list[Project]

    @property
    def with_target(self) -> int:
        """How many have a target."""
        return self.fresh + self.late

    @property
    def total(self) -> int:
        """How many there are."""
        return self.with_target + self.without_target

    @property
    def shares(self) -> tuple[float, float]:
        """Fresh and late, in percent of all."""
        return 100 * self.fresh / max(self.total, 1), 100 * self.late / max(self.total, 1)


@dataclass(frozen=True)
class HomeProjects:
    """Credentials that their provider refuses, by name; freshness; how many listed projects are not here."""

    has_credentials: bool
    has_projects: bool
    refused: list[Credential]
    freshness: Freshness
    unprotected: int


def home_projects(member: Member) -> HomeProjects:
    """Returns it in one query that reads a team's projects once and brings only those that are shown."""
    rows = _rows(member)
    credentials: dict[int, Credential] = {}
    worst = []
    for row in rows:
        values = {name: row[name] for name in CREDENTIAL_COLUMNS}
        credential = credentials.setdefault(row["pk"], Credential(team=member.team, **values))
        if row["worst__pk"] is not None:
            project = Project(team=member.team, credential=credential)
            for name in PROJECT_COLUMNS:
                setattr(project, name, row[f"worst__{name}"])
            worst.append(project)
    total, with_target, late = (rows[0][name] if rows else 0 for name in COUNTS)
    return HomeProjects(
        bool(rows),
        any(row["has_projects"] for row in rows),
        sorted((row for row in credentials.values() if row.last_error), key=lambda row: row.name),
        Freshness(with_target - late, late, total - with_target, sorted(worst, key=_urgency)),
        rows[0]["unprotected"] if rows else 0,
    )


def _rows(member: Member) -> list[dict[str, Any]]:
    """Returns the credentials, each with the worst projects it reaches; those that are shown come first."""
    sql, marked = _statement(connection.vendor, tuple(providers_with_copies()))
    adapt = connection.ops.adapt_datetimefield_value
    values = {ANY_TEAM: member.team_id, adapt(ANY_TIME): adapt(clock.now())}
    with connection.cursor() as cursor:
        cursor.execute(sql, [values.get(value, value) for value in marked])
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        for name in ("worst__last_good_at", "worst__created_at"):
            row[name] = row[name] and clock.from_column(row[name])
    return rows


@cache  # Django needs three times as long to write it as PostgreSQL to run it.
def _statement(vendor: str, providers: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """Returns the statement for that kind of database and its parameters, ANY_TEAM and ANY_TIME among them.

    `providers`: those of which the portal keeps copies.
    """
    with_copies = Project.objects.filter(team=ANY_TEAM, archived_at=None, credential__provider__in=providers).order_by()
    # A filtered relation takes no queryset, so it is handed the SQL of one.
    worst = RawSQL(*_worst(with_copies).values("pk")[:MAX_PROJECTS_SHOWN].query.sql_with_params())  # noqa: S611
    found = access.credentials(Member(team=Team(pk=ANY_TEAM))).annotate(
        worst=FilteredRelation("project", condition=Q(project__in=worst)),
        **_counts(with_copies),
        has_projects=Exists(Project.objects.filter(team=ANY_TEAM, archived_at=None)),
        unprotected=unprotected_total(ANY_TEAM),
    )
    shown_first = found.order_by(F("worst__pk").asc(nulls_last=True), "-last_error")
    return shown_first.values_list(*COLUMNS)[:MAX_CREDENTIALS].query.sql_with_params()


def _counts(projects: QuerySet[Project]) -> dict[str, Coalesce]:
    """Returns expressions: how many there are, how many of them have a target, how many of these are late.

    Three, because each is then counted in an index alone.
    """
    with_target = projects.filter(fresh_within_hours__gt=0)
    return {
        "total": _count(projects),
        "with_target": _count(with_target),
        "late": _count(with_target.annotate(good_until_at=GoodUntil()).filter(good_until_at__lt=ANY_TIME)),
    }


def _count(projects: QuerySet[Project]) -> Coalesce:
    counted = projects.annotate(every=Value(1)).values("every").annotate(counted=Count("pk")).values("counted")
    return Coalesce(Subquery(counted), 0)


def _worst(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Returns those that are or will be late first, the longest late first; without a target, the oldest copies."""
    ordered = projects.annotate(good_until_at=GoodUntil())
    return ordered.order_by(F("good_until_at").asc(nulls_last=True), F("last_good_at").asc(nulls_first=True), "pk")


def _urgency(project: Project) -> tuple[datetime, datetime]:
    """The order of `_worst`."""
    first, last = (at.replace(tzinfo=UTC) for at in (datetime.min, datetime.max))
    return project.good_until or last, project.last_good_at or first
