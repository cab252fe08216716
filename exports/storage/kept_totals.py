"""A team's totals of kept files, and the warning before its quota is full."""

from typing import Any, Final

from django.db import connection
from django.db.models import F, Value
from django.db.models.functions import Greatest

from exports import clock
from exports.models import Event, Team
from exports.models.event import TEAM_QUOTA

# Percent of the quota at which the team is told, the highest first.
QUOTA_LEVELS: Final = (95, 80)
# A team is told again once it was so many percent below the level, so that each file around it is no news.
QUOTA_SLACK: Final = 5
# Never below zero: a file must be deletable whatever the sums are. An older SQLite returns nothing from an UPDATE.
ADD_SQL: Final = """
    UPDATE exports_team SET kept_bytes = GREATEST(kept_bytes + %s, 0), kept_files = GREATEST(kept_files + %s, 0)
    WHERE id = %s RETURNING kept_bytes, quota_bytes, quota_notified_percent
"""


def change_totals(team_id: int, *, size: int, count: int, besides: tuple[str, list[Any]] | None = None) -> None:
    """Adds to the totals of kept bytes and files, and records `team.quota` where that crosses a level.

    Call it in the transaction of the change. The row stays locked until its end, so each crossing is told once.
    `besides`: an UPDATE of another table, with its parameters, that is run in the same statement; on SQLite before it.
    """
    rows = Team.objects.filter(pk=team_id)
    kept, quota, notified = _add(team_id, size, count, besides)
    level = quota_level(kept, quota)
    if level > notified:
        if rows.filter(quota_notified_percent=notified).update(quota_notified_percent=level):
            key = f"{TEAM_QUOTA}:{level}:{clock.now():%Y-%m-%dT%H:%M:%S.%f}"
            Event.record(team_id, TEAM_QUOTA, key, percent=level, kept_bytes=kept, quota_bytes=quota)
    elif level < notified and quota_level(kept, quota, slack=QUOTA_SLACK) < notified:
        rows.update(quota_notified_percent=level)


def _add(team_id: int, size: int, count: int, besides: tuple[str, list[Any]] | None) -> tuple[int, int | None, int]:
    """Returns the team's kept bytes, quota, and the level that it was told of."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            before, params = (f"WITH besides AS ({besides[0]})", besides[1]) if besides else ("", [])
            cursor.execute(f"{before} {ADD_SQL}", [*params, size, count, team_id])
            kept, quota, notified = cursor.fetchone()
            return kept, quota, notified
        if besides:
            cursor.execute(*besides)
    rows = Team.objects.filter(pk=team_id)
    rows.update(
        kept_bytes=Greatest(F("kept_bytes") + size, Value(0)), kept_files=Greatest(F("kept_files") + count, Value(0))
    )
    return rows.values_list("kept_bytes", "quota_bytes", "quota_notified_percent").get()


def quota_level(kept: int, quota: int | None, *, slack: int = 0) -> int:
    """The level in percent that the kept bytes have reached: 95, 80 or 0. `slack`: percent that each is lower."""
    if quota is None:
        return 0
    return next((level for level in QUOTA_LEVELS if kept * 100 >= quota * (level - slack) and kept), 0)
