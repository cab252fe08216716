"""Coverage: what the providers list against what is here and how fresh it is, in one list."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from exports import clock
from exports.errors import InvalidError
from exports.exporting.freshness import providers_with_copies
from exports.models import Project, RemoteProject, Schedule

GONE, UNPROTECTED, NEVER, OVERDUE, FRESH = "gone", "unprotected", "never", "overdue", "fresh"
# In the order of the list: what somebody can do something about comes first.
STATES: Final = (UNPROTECTED, OVERDUE, NEVER, GONE, FRESH)
MAX_CURSOR_LENGTH: Final = 2000

# Whether a good export is older than its target allows. The parameter is now.
_LATE_SQL: Final = {
    "postgresql": "COALESCE(p.last_good_at, p.created_at) + p.fresh_within_hours * interval '1 hour' < %s",
    "sqlite": "datetime(COALESCE(p.last_good_at, p.created_at), '+' || p.fresh_within_hours || ' hours') < %s",
}
# What is not listed any more and yet was exported since is there: the list is wrong. The states are tried in the order
# of the contract; the numbers are places in STATES.
_ROWS_SQL: Final = """
    SELECT both_sides.*, CASE
            WHEN project_id IS NOT NULL AND gone_at IS NOT NULL
                AND (last_good_at IS NULL OR last_good_at < gone_at) THEN 3
            WHEN project_id IS NULL THEN 0
            WHEN last_good_at IS NULL THEN 2
            WHEN late THEN 1
            ELSE 4
        END AS place
    FROM (
        SELECT c.id AS credential_id, c.provider AS provider, r.remote_id AS remote_id,
            COALESCE(NULLIF(p.name, ''), NULLIF(r.name, ''), r.remote_id) AS name, p.id AS project_id,
            p.last_good_at AS last_good_at, r.gone_at AS gone_at, {late} AS late
        FROM exports_remoteproject r JOIN exports_credential c ON c.id = r.credential_id
            LEFT JOIN exports_project p
                ON p.credential_id = r.credential_id AND p.remote_id = r.remote_id AND p.archived_at IS NULL
        WHERE c.team_id = %s AND c.deleted_at IS NULL AND (r.gone_at IS NULL OR p.id IS NOT NULL)
        UNION ALL
        SELECT c.id, c.provider, p.remote_id, COALESCE(NULLIF(p.name, ''), p.remote_id), p.id,
            p.last_good_at, NULL, {late}
        FROM exports_project p JOIN exports_credential c ON c.id = p.credential_id
        WHERE p.team_id = %s AND p.archived_at IS NULL AND c.deleted_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM exports_remoteproject r
            WHERE r.credential_id = p.credential_id AND r.remote_id = p.remote_id
        )
    ) AS both_sides
"""
_PAGE_SQL: Final = """
    SELECT credential_id, provider, remote_id, name, project_id, place, LOWER(name)
    FROM ({rows}) AS states WHERE {conditions}
    ORDER BY place, LOWER(name), credential_id, remote_id LIMIT %s
"""
_COUNT_SQL: Final = "SELECT provider, place, COUNT(*) FROM ({rows}) AS states GROUP BY provider, place"


@dataclass(frozen=True)
class CoverageRow:
    """A project at a provider, here, or both. `project` is None where it is not here."""

    credential_id: int
    provider: str
    remote_id: str
    name: str
    state: str
    scheduled: bool
    project: Project | None

    @property
    def can_be_protected(self) -> bool:
        """Whether it can get a schedule."""
        return not self.scheduled and self.state != GONE

    @property
    def last_good_at(self) -> datetime | None:
        """When its last good export ended."""
        return self.project.last_good_at if self.project else None


@dataclass(frozen=True)
class CoveragePage:
    """One page. `cursor`: where the next page begins; "" on the last page."""

    rows: Sequence[CoverageRow]
    limit: int
    cursor: str


@dataclass(frozen=True)
class CoverageFilters:
    """Which rows; each is optional. `only_copies`: without providers whose exports yield no file."""

    states: tuple[str, ...] = ()
    provider: str = ""
    credential_id: int | None = None
    only_copies: bool = False

    def conditions(self) -> tuple[list[str], list[Any]]:
        """The conditions in SQL and their parameters."""
        conditions, params = ["1 = 1"], list[Any]()
        places = [STATES.index(state) for state in self.states]
        providers = [self.provider] if self.provider else providers_with_copies() if self.only_copies else []
        for column, values in (("place", places), ("provider", providers)):
            if values:
                conditions.append(f"{column} IN ({', '.join(['%s'] * len(values))})")
                params += values
        if self.credential_id is not None:
            conditions.append("credential_id = %s")
            params.append(self.credential_id)
        return conditions, params


def get_page(
    team_id: int, filters: CoverageFilters = CoverageFilters(), cursor: str = "", limit: int = 20
) -> CoveragePage:
    """Returns a page, what needs somebody first, in three queries. Raises InvalidError for a malformed cursor."""
    rows_sql, params = _rows(team_id)
    conditions, more = filters.conditions()
    if cursor:
        conditions.append("(place, LOWER(name), credential_id, remote_id) > (%s, %s, %s, %s)")
        more += _decode_cursor(cursor)
    # The only texts that go into the statement are those of this module.
    statement = _PAGE_SQL.format(rows=rows_sql, conditions=" AND ".join(conditions))
    with connection.cursor() as db:
        db.execute(statement, [*params, *more, limit + 1])
        fetched = db.fetchall()
    shown = fetched[:limit]
    ids = [row[4] for row in shown if row[4] is not None]
    projects = Project.objects.select_related("credential", "team").in_bulk(ids) if ids else {}
    scheduled = set(Schedule.objects.filter(project__in=ids, enabled=True).values_list("project_id", flat=True))
    last = shown[-1] if len(fetched) > limit else None
    return CoveragePage(
        [
            CoverageRow(row[0], row[1], row[2], row[3], STATES[row[5]], row[4] in scheduled, projects.get(row[4]))
            for row in shown
        ],
        limit,
        _encode_cursor([last[5], last[6], last[0], last[2]]) if last else "",
    )


def count_states(team_id: int) -> dict[str, dict[str, int]]:
    """Returns by provider how many projects are in each state, in one query."""
    rows_sql, params = _rows(team_id)
    counts: dict[str, dict[str, int]] = {}
    with connection.cursor() as db:
        db.execute(_COUNT_SQL.format(rows=rows_sql), params)
        for provider, place, count in db.fetchall():
            counts.setdefault(provider, dict.fromkeys(STATES, 0))[STATES[place]] = count
    return counts


def unprotected_total(team_id: int) -> Coalesce:
    """Returns an expression: how many projects with copies a provider lists that are not here, for any query."""
    # The team is named on both sides, so that other teams' rows are not read.
    here = Project.objects.filter(
        team=team_id, credential=OuterRef("credential"), remote_id=OuterRef("remote_id"), archived_at=None
    )
    listed = RemoteProject.objects.filter(
        credential__team=team_id,
        credential__deleted_at=None,
        credential__provider__in=providers_with_copies(),
        gone_at=None,
    )
    missing = listed.filter(~Exists(here)).order_by().annotate(every=Value(1)).values("every")
    return Coalesce(Subquery(missing.annotate(total=Count("pk")).values("total")), 0)


def total_of_copies(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    """Sums the counts of providers of which the portal keeps copies."""
    kept = providers_with_copies()
    return {state: sum(row[state] for provider, row in counts.items() if provider in kept) for state in STATES}


def _rows(team_id: int) -> tuple[str, list[Any]]:
    now = connection.ops.adapt_datetimefield_value(clock.now())
    return _ROWS_SQL.format(late=_LATE_SQL[connection.vendor]), [now, team_id, now, team_id]


def _encode_cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> list[Any]:
    """Raises InvalidError."""
    try:
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise ValueError(cursor)
        place, name, credential_id, remote_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        texts_fit = isinstance(name, str) and isinstance(remote_id, str) and "\0" not in name + remote_id
        if not (texts_fit and type(place) is int and type(credential_id) is int and 0 <= credential_id < 2**63):
            raise ValueError(cursor)
        (name + remote_id).encode()
        return [min(max(place, -1), len(STATES)), name, credential_id, remote_id]
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise InvalidError({"after": ["This is no cursor of this list; take it from meta.next."]}) from None
