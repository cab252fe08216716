"""Turns: when more is due than there are slots, no team and no project waits for another's whole pile."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import heapify, heappop, heappush, heapreplace
from random import randrange
from typing import Final

from django.db import connection
from django.db.backends.utils import CursorWrapper

# An export's key, its team's, its project's, and since when it waits, in seconds since 1970.
Candidate = tuple[int, int, int, float]
# A team, one of its projects, and how many of its exports are in hand.
Running = tuple[int, int, int]
# How many projects one look considers, from a place drawn by lot; SQLite joins at most 500 selects.
MAX_PROJECTS: Final = 100

# The numbers of projects that have open exports, one index probe each, however many exports there are.
OPEN_PROJECTS_SQL: Final = """
    WITH RECURSIVE found(id) AS (
        SELECT (SELECT MIN(project_id) FROM exports_export WHERE next_step_at IS NOT NULL AND project_id >= %s)
        UNION ALL
        SELECT (SELECT MIN(e.project_id) FROM exports_export e
                WHERE e.next_step_at IS NOT NULL AND e.project_id > found.id)
        FROM found WHERE found.id IS NOT NULL
    )
    SELECT id FROM found WHERE id IS NOT NULL LIMIT %s
"""
DUE_SQL: Final = """
    SELECT id, team_id, project_id, {since} FROM exports_export
    WHERE {where} step IN ({steps}) AND next_step_at <= %s AND (held_until IS NULL OR held_until <= %s)
    ORDER BY next_step_at LIMIT %s {lock}
"""
# A time is read as a number here: Django's way of reading one costs more than all else of the row.
EPOCH_SQL: Final = {
    "postgresql": "extract(epoch FROM next_step_at)::float8",
    "sqlite": "(julianday(next_step_at) - 2440587.5) * 86400",
}
MAX_PER_PROJECT: Final = 8


def candidates(steps: Sequence[str], now: datetime, limit: int) -> set[Candidate]:
    """Those among which the turns are dealt, locked until the transaction ends.

    The `limit` that have waited longest, and the first in each of up to MOST_PROJECTS projects.
    """
    asked = [*steps, *[connection.ops.adapt_datetimefield_value(now)] * 2]
    # SQLite has locked the whole database for whoever writes.
    told = {
        "since": EPOCH_SQL[connection.vendor],
        "steps": ", ".join(["%s"] * len(steps)),
        "lock": "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(DUE_SQL.format(where="", **told), [*asked, limit])
        found: set[Candidate] = set(cursor.fetchall())
        projects, each = _projects(cursor), min(MAX_PER_PROJECT, limit)
        if connection.vendor == "postgresql":
            first = DUE_SQL.format(where="project_id = p.id AND", **told)
            every = f"SELECT e.* FROM unnest(%s::bigint[]) AS p(id), LATERAL ({first}) AS e"  # noqa: S608  ours
            cursor.execute(every, [projects, *asked, each])
        elif projects:
            first = f"SELECT * FROM ({DUE_SQL.format(where='project_id = %s AND', **told)})"  # noqa: S608  ours
            every = " UNION ALL ".join([first] * len(projects))
            cursor.execute(every, [value for project in projects for value in (project, *asked, each)])
        return found | set(cursor.fetchall())


def _projects(cursor: CursorWrapper) -> list[int]:
    """Up to MOST_PROJECTS projects that have open exports, from a place drawn by lot on."""
    cursor.execute("SELECT MAX(project_id) FROM exports_export WHERE next_step_at IS NOT NULL")
    last = cursor.fetchone()[0]
    found: list[int] = []
    for start in (randrange(last + 1), 0) if last else ():  # noqa: S311  spreads, hides nothing
        if len(found) < MAX_PROJECTS:
            cursor.execute(OPEN_PROJECTS_SQL, [start, MAX_PROJECTS])
            found += [row[0] for row in cursor.fetchall()]
    return list(dict.fromkeys(found))[:MAX_PROJECTS]


def choose_fairly(rows: Iterable[Candidate], limit: int, running: Iterable[Running]) -> list[Candidate]:
    """The `limit` rows whose turn it is: the team with the least in hand first, in it the project with the least."""
    teams: Counter[int] = Counter()
    projects: Counter[int] = Counter()
    for team, project, number in running:
        teams[team] += number
        projects[project] += number
    piles: dict[tuple[int, int], list[Candidate]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row[3], reverse=True):
        piles[row[1], row[2]].append(row)
    # Heaps of (in hand, the next row waits since, which): of a team's projects, and of the teams.
    within: dict[int, list[tuple[int, float, int]]] = defaultdict(list)
    for (team, project), pile in piles.items():
        heappush(within[team], (projects[project], pile[-1][3], project))
    between = [(teams[team], queue[0][1], team) for team, queue in within.items()]
    heapify(between)
    chosen: list[Candidate] = []
    while between and len(chosen) < limit:
        of_team, _, team = between[0]
        queue = within[team]
        of_project, _, project = queue[0]
        pile = piles[team, project]
        chosen.append(pile.pop())
        if pile:
            heapreplace(queue, (of_project + 1, pile[-1][3], project))
        else:
            heappop(queue)
        if queue:
            heapreplace(between, (of_team + 1, queue[0][1], team))
        else:
            heappop(between)
    return chosen
