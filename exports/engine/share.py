"""Turns: when more is due than there are slots, no team and no project waits for another's whole pile."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from random import randrange
from typing import Any, Final

from django.db import connection

from exports.models import Export

COLUMNS: Final = ("pk", "team_id", "project_id", "next_step_at")
Row = tuple[int, int, int, datetime]
# How many projects one look considers, from a place drawn by lot; SQLite joins at most 500 selects.
MOST_PROJECTS: Final = 100

# The numbers of projects that have open exports, one index probe each, however many exports there are.
PROJECTS: Final = """
    WITH RECURSIVE found(id) AS (
        SELECT (SELECT MIN(project_id) FROM exports_export WHERE next_step_at IS NOT NULL AND project_id >= %s)
        UNION ALL
        SELECT (SELECT MIN(e.project_id) FROM exports_export e
                WHERE e.next_step_at IS NOT NULL AND e.project_id > found.id)
        FROM found WHERE found.id IS NOT NULL
    )
    SELECT id FROM found WHERE id IS NOT NULL LIMIT %s
"""
FIRST: Final = """
    SELECT id FROM exports_export
    WHERE project_id = {project} AND next_step_at <= %s AND step IN ({steps})
        AND (held_until IS NULL OR held_until <= %s)
    ORDER BY next_step_at LIMIT %s
"""
EACH: Final = 8


def first_of_each_project(steps: Sequence[str], now: datetime) -> list[int]:
    """The exports that have waited longest in each of up to MOST_PROJECTS projects: their keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(project_id) FROM exports_export WHERE next_step_at IS NOT NULL")
        last = cursor.fetchone()[0]
        projects: list[int] = []
        for start in (randrange(last + 1), 0) if last else ():  # noqa: S311  spreads, hides nothing
            cursor.execute(PROJECTS, [start, MOST_PROJECTS])
            projects += [row[0] for row in cursor.fetchall()]
        projects = list(dict.fromkeys(projects))[:MOST_PROJECTS]
        if not projects:
            return []
        marks = ", ".join(["%s"] * len(steps))
        if connection.vendor == "postgresql":
            first = FIRST.format(project="p.id", steps=marks)
            statement = f"SELECT e.id FROM unnest(%s::bigint[]) AS p(id), LATERAL ({first}) AS e"  # noqa: S608  ours
            cursor.execute(statement, [projects, now, *steps, now, EACH])
        else:
            first = FIRST.format(project="%s", steps=marks)
            asked: list[Any] = [value for project in projects for value in (project, now, *steps, now, EACH)]
            cursor.execute(" UNION ALL ".join([f"SELECT * FROM ({first})"] * len(projects)), asked)  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def in_turns(rows: Iterable[Row], limit: int, running: Iterable[Export]) -> list[Row]:
    """The `limit` rows whose turn it is: the team with the least in hand first, in it the project with the least."""
    teams: Counter[int] = Counter()
    projects: Counter[int] = Counter()
    for export in running:
        teams[export.team_id] += 1
        projects[export.project_id] += 1
    piles: dict[int, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in sorted(rows, key=lambda row: row[3], reverse=True):
        piles[row[1]][row[2]].append(row)
    chosen: list[Row] = []
    while piles and len(chosen) < limit:
        team = min(piles, key=lambda one: (teams[one], min(pile[-1][3] for pile in piles[one].values())))
        project = min(piles[team], key=lambda one: (projects[one], piles[team][one][-1][3]))
        chosen.append(piles[team][project].pop())
        teams[team] += 1
        projects[project] += 1
        if not piles[team][project]:
            del piles[team][project]
        if not piles[team]:
            del piles[team]
    return chosen
