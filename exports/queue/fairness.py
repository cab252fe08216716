"""Fairness: when more is due than there are slots, teams take turns, and within a team its projects."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace
from random import randrange
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

from exports.models import Project

# An export's id, its team's, its project's, and since when it is due, in seconds since 1970.
Candidate = tuple[int, int, int, float]
# A team's id, the id of one of its projects, and how many exports of that project are reserved or running.
Running = tuple[int, int, int]
# How many projects one claim considers, from a random one on. SQLite joins at most 500 SELECTs.
MAX_PROJECTS: Final = 100

# The ids of projects that have open exports: one index probe for each project, however many exports there are. Only the
# index of open exports has the order that is asked for; MIN(project_id) would also be found in that of all exports,
# which PostgreSQL takes where it thinks that many are open, and in which each probe passes every export that has ended.
OPEN_PROJECTS_SQL: Final = """
    WITH RECURSIVE found(id) AS (
        SELECT (SELECT project_id FROM exports_export WHERE next_step_at IS NOT NULL AND project_id >= %s
                ORDER BY project_id, next_step_at LIMIT 1)
        UNION ALL
        SELECT (SELECT e.project_id FROM exports_export e WHERE e.next_step_at IS NOT NULL AND e.project_id > found.id
                ORDER BY e.project_id, e.next_step_at LIMIT 1)
        FROM found WHERE found.id IS NOT NULL
    )
    SELECT id FROM found WHERE id IS NOT NULL LIMIT %s
"""
DUE_SQL: Final = """
    SELECT id, team_id, project_id, {since} FROM exports_export
    WHERE {where} step IN ({steps}) AND next_step_at <= %s AND (held_until IS NULL OR held_until <= %s)
    ORDER BY next_step_at LIMIT %s {lock}
"""
# The time is read as a number, because Django's conversion of a time costs more than the rest of the row.
EPOCH_SQL: Final = {
    "postgresql": "extract(epoch FROM next_step_at)::float8",
    "sqlite": "(julianday(next_step_at) - 2440587.5) * 86400",
}
MAX_PER_PROJECT: Final = 8
# What `candidates` reads, in one statement of PostgreSQL. `found` are projects with open exports from a random one on:
# first to the last one (turn 1), then from the beginning (turn 2).
CANDIDATES_SQL: Final = """
    WITH RECURSIVE start AS MATERIALIZED (
        SELECT floor(random() * (project_id + 1))::bigint AS id FROM (
            SELECT project_id FROM exports_export WHERE next_step_at IS NOT NULL
            ORDER BY project_id DESC, next_step_at DESC LIMIT 1
        ) AS last
    ), found(id, turn, is_project) AS (
        SELECT id - 1, 1, FALSE FROM start WHERE id IS NOT NULL
        UNION ALL
        SELECT COALESCE(following.id, 0), turn + (following.id IS NULL)::int, following.id IS NOT NULL
        FROM found, start, LATERAL (
            SELECT (
                SELECT e.project_id FROM exports_export e
                WHERE e.next_step_at IS NOT NULL AND e.project_id > found.id
                ORDER BY e.project_id, e.next_step_at LIMIT 1
            ) AS id
        ) AS following
        WHERE turn = 1 OR turn = 2 AND found.id < start.id
    ), oldest AS MATERIALIZED (
        {oldest}
    ), of_project AS MATERIALIZED (
        SELECT e.* FROM (SELECT DISTINCT id FROM (SELECT id FROM found WHERE is_project LIMIT %s) AS ids) AS p,
            LATERAL ({of_project}) AS e
    )
    SELECT * FROM oldest UNION SELECT * FROM of_project
"""
# The first due export of each project of other teams: one index probe for each, however many exports are due.
OTHER_TEAMS_SQL: Final = """
    SELECT id, team_id, project_id, {since} FROM exports_export WHERE id IN (
        SELECT (
            SELECT e.id FROM exports_export e
            WHERE e.project_id = p.id AND {slow} e.step IN ({steps}) AND e.next_step_at <= %s
                AND (e.held_until IS NULL OR e.held_until <= %s)
            ORDER BY e.next_step_at LIMIT 1
        ) FROM exports_project p WHERE p.team_id NOT IN ({teams})
    ) {lock}
"""
# For which steps something of other teams is due. Scalar subqueries, so that each project costs one index probe.
STEPS_OF_OTHER_TEAMS_SQL: Final = """
    SELECT step FROM ({steps}) AS s WHERE (
        SELECT 1 FROM exports_project p WHERE p.team_id NOT IN ({teams}) AND (
            SELECT 1 FROM exports_export e
            WHERE e.project_id = p.id AND e.step = s.step AND e.next_step_at <= %s
                AND (e.held_until IS NULL OR e.held_until <= %s) LIMIT 1
        ) = 1 LIMIT 1
    ) = 1
"""
COUNT_SQL: Final = """
    SELECT team_id, COUNT(*) FROM exports_export
    WHERE step = %s AND next_step_at <= %s AND (held_until IS NULL OR held_until <= %s) GROUP BY team_id
"""


@dataclass(frozen=True)
class LeftOut:
    """Due exports that are not to be chosen: all of `teams`, and slow polls, either of `slow_teams` or any (`slow`)."""

    teams: frozenset[int] = frozenset()
    slow_teams: frozenset[int] = frozenset()
    slow: bool = False

    def __bool__(self) -> bool:
        return bool(self.teams or self.slow_teams or self.slow)

    def slow_sql(self) -> tuple[str, list[int]]:
        """The part of a WHERE clause that leaves out slow polls, and its values."""
        if self.slow:
            return "NOT polls_alone AND", []
        if not self.slow_teams:
            return "", []
        return f"NOT (polls_alone AND team_id IN ({_marks(self.slow_teams)})) AND", [*self.slow_teams]


def _marks(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))


NOTHING: Final = LeftOut()


def count_due_by_team(step: str, now: datetime) -> dict[int, int]:
    """How many exports of each team are due for the step and not under way."""
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, [step, at, at])
        return dict(cursor.fetchall())


def steps_of_other_teams(steps: Sequence[str], teams: Collection[int], now: datetime) -> set[str]:
    """Those of the steps for which a team that is not among `teams` has something due."""
    if not steps or not teams:
        return set(steps)
    at = connection.ops.adapt_datetimefield_value(now)
    rows = " UNION ALL ".join(["SELECT %s AS step"] * len(steps))
    with connection.cursor() as cursor:
        cursor.execute(STEPS_OF_OTHER_TEAMS_SQL.format(steps=rows, teams=_marks(teams)), [*steps, *teams, at, at])
        return {row[0] for row in cursor.fetchall()}


def candidates(steps: Sequence[str], now: datetime, limit: int, left_out: LeftOut = NOTHING) -> set[Candidate]:
    """The due exports from which `choose_fairly` chooses, locked until the transaction ends.

    The `limit` that have waited longest, and the first MAX_PER_PROJECT of each of up to MAX_PROJECTS projects. Where
    teams are left out, the first one of each project of the others.
    """
    condition, values = left_out.slow_sql()
    params = [*values, *steps, *[connection.ops.adapt_datetimefield_value(now)] * 2]
    # SQLite has one writer at a time, so there is nothing to lock.
    clauses = {
        "since": EPOCH_SQL[connection.vendor],
        "steps": _marks(steps),
        "lock": "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else "",
    }
    with connection.cursor() as cursor:
        if left_out.teams:
            statement = OTHER_TEAMS_SQL.format(slow=condition, teams=_marks(left_out.teams), **clauses)
            cursor.execute(statement, [*params, *left_out.teams])
            return set(cursor.fetchall())
        oldest_sql = DUE_SQL.format(where=condition, **clauses)
        limit_per_project = min(MAX_PER_PROJECT, limit)
        if connection.vendor == "postgresql":
            of_project = DUE_SQL.format(where=f"project_id = p.id AND {condition}", **clauses)
            statement = CANDIDATES_SQL.format(oldest=oldest_sql, of_project=of_project)
            cursor.execute(statement, [*params, limit, MAX_PROJECTS, *params, limit_per_project])
            return set(cursor.fetchall())
        cursor.execute(oldest_sql, [*params, limit])
        oldest: set[Candidate] = set(cursor.fetchall())
        if projects := _projects(cursor):
            where = f"project_id = %s AND {condition}"
            of_project = f"SELECT * FROM ({DUE_SQL.format(where=where, **clauses)})"  # noqa: S608
            statement = " UNION ALL ".join([of_project] * len(projects))
            cursor.execute(
                statement, [value for project in projects for value in (project, *params, limit_per_project)]
            )
        return oldest | set(cursor.fetchall())


def _projects(cursor: CursorWrapper) -> list[int]:
    """The ids of up to MAX_PROJECTS projects that have open exports, from a random one on."""
    cursor.execute("SELECT MAX(project_id) FROM exports_export WHERE next_step_at IS NOT NULL")
    last = cursor.fetchone()[0]
    ids: list[int] = []
    for start in (randrange(last + 1), 0) if last else ():  # noqa: S311  only spreads the choice
        if len(ids) < MAX_PROJECTS:
            cursor.execute(OPEN_PROJECTS_SQL, [start, MAX_PROJECTS])
            ids += [row[0] for row in cursor.fetchall()]
    return list(dict.fromkeys(ids))[:MAX_PROJECTS]


def prefer_idle_origins(rows: Iterable[Candidate], running: Iterable[Running]) -> list[Candidate]:
    """The rows whose provider's origin has nothing under way, or all of them where each has."""
    rows = list(rows)
    if len({row[1] for row in rows}) < 2:
        return rows
    busy = {project for _team, project, _number in running}
    projects = Project.objects.filter(pk__in=busy | {row[2] for row in rows})
    origins = {
        pk: (provider, origin)
        for pk, provider, origin in projects.values_list("pk", "credential__provider", "credential__origin")
    }
    busy_origins = {origins.get(project) for project in busy}
    return [row for row in rows if origins.get(row[2]) not in busy_origins] or rows


def choose_fairly(rows: Iterable[Candidate], limit: int, running: Iterable[Running]) -> list[Candidate]:
    """Up to `limit` rows, each from the team with the fewest exports running, and there from such a project."""
    teams: Counter[int] = Counter()
    projects: Counter[int] = Counter()
    for team, project, number in running:
        teams[team] += number
        projects[project] += number
    due_by_project: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[3], reverse=True):
        due_by_project[row[1], row[2]].append(row)
    # Heaps of (exports running, since when the next row is due, id): one of the projects of each team, one of teams.
    project_heaps: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    for (team, project), due in due_by_project.items():
        heappush(project_heaps[team], (projects[project], due[-1][3], project))
    team_heap = [(teams[team], project_heap[0][1], team) for team, project_heap in project_heaps.items()]
    heapify(team_heap)
    chosen: list[Candidate] = []
    while team_heap and len(chosen) < limit:
        running_in_team, _, team = team_heap[0]
        project_heap = project_heaps[team]
        running_in_project, _, project = project_heap[0]
        due = due_by_project[team, project]
        chosen.append(due.pop())
        if due:
            heapreplace(project_heap, (running_in_project + 1, due[-1][3], project))
        else:
            heappop(project_heap)
        if project_heap:
            heapreplace(team_heap, (running_in_team + 1, project_heap[0][1], team))
        else:
            heappop(team_heap)
    return chosen
