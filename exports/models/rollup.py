"""Totals for /metrics: rows that are only added, in the statements that write what they count, and summed up later."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Final

from django.db import connection, models, transaction
from django.db.models import Sum

# What is counted, and the parts of its key.
EXPORTS: Final = "exports"  # provider|type|status: how many exports have the status
ANSWERS: Final = "answers"  # provider|class: answers of providers since the portal was set up
STEPS: Final = "steps"  # step|upper bound of the seconds: steps since the portal was set up
SENT: Final = "sent"  # nothing: mails, alerts, webhooks and relays that were sent since the portal was set up
SERIES: Final = (EXPORTS, ANSWERS, STEPS, SENT)

INSERT_SQL: Final = (
    "INSERT INTO exports_rollup (series, key, count, seconds)"
    " SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::float8[])"
)
# Upper bounds in seconds, by which the times of steps are counted.
STEP_BOUNDS: Final = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
# Whoever replaces rows holds this advisory lock of PostgreSQL: a number that nothing else in this database locks.
LOCK: Final = 7_316_202
# One statement, so that no reader sees a total fall. Rows that another transaction has not committed yet stay.
COMPACT_SQL: Final = """
    WITH gone AS (DELETE FROM exports_rollup RETURNING series, key, count, seconds)
    INSERT INTO exports_rollup (series, key, count, seconds)
    SELECT series, key, sum(count), sum(seconds) FROM gone GROUP BY series, key
"""
COUNT_EXPORTS_SQL: Final = """
    INSERT INTO exports_rollup (series, key, count, seconds)
    SELECT %s, credential.provider || '|' || export.type || '|' || export.status, count(*), 0
    FROM exports_export AS export JOIN exports_project AS project ON project.id = export.project_id
    JOIN exports_credential AS credential ON credential.id = project.credential_id GROUP BY 2
"""


class Rollup(models.Model):
    """`count` more of what `series` and `key` name, and the seconds that they took.

    Rows are never updated: tasks that count the same thing at the same time wait for no one and cannot deadlock. The
    value is the sum of the rows; `compact` replaces them by one each.
    """

    series = models.CharField(max_length=20, choices=[(word, word) for word in SERIES])
    key = models.CharField(max_length=120)
    count = models.BigIntegerField()
    seconds = models.FloatField(default=0.0)

    class Meta:
        default_permissions: ClassVar = ()

    def __str__(self) -> str:
        return f"{self.series} {self.key}: {self.count}"

    @classmethod
    def totals(cls) -> dict[tuple[str, str], tuple[int, float]]:
        """(count, seconds) by (series, key), in one query."""
        rows = cls.objects.values_list("series", "key").annotate(Sum("count"), Sum("seconds")).order_by()
        return {(series, key): (count, seconds) for series, key, count, seconds in rows}

    @classmethod
    def compact(cls) -> None:
        """Replaces the rows of each series and key by one."""
        with _alone() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(COMPACT_SQL)
                return
            rows = [
                Rollup(series=series, key=key, count=count, seconds=seconds)
                for (series, key), (count, seconds) in cls.totals().items()
            ]
            cls.objects.all().delete()
            Rollup.objects.bulk_create(rows)

    @classmethod
    def recount_exports(cls) -> None:
        """Counts all exports anew: those that an older version has moved meanwhile, or that were deleted, are missing.

        It reads the whole table, a second for a million exports.
        """
        with _alone() as cursor:
            if connection.vendor == "postgresql":
                # Rows and exports are those of one moment.
                gone = "WITH gone AS (DELETE FROM exports_rollup WHERE series = %s)"
                cursor.execute(f"{gone} {COUNT_EXPORTS_SQL}", [EXPORTS, EXPORTS])
            else:
                cls.objects.filter(series=EXPORTS).delete()
                cursor.execute(COUNT_EXPORTS_SQL, [EXPORTS])


@contextmanager
def _alone() -> Iterator[Any]:
    """A transaction in which nobody else replaces rows. It sees what those before it have replaced."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield cursor


def insert_sql(rows: Sequence[Rollup]) -> list[tuple[str, list[Any]]]:
    """The INSERT with its parameters, to be part of another statement; none for no rows. On SQLite one for each row."""
    if not rows:
        return []
    columns = [[getattr(row, name) for row in rows] for name in ("series", "key", "count", "seconds")]
    if connection.vendor == "postgresql":
        return [(INSERT_SQL, columns)]
    insert = "INSERT INTO exports_rollup (series, key, count, seconds) VALUES (%s, %s, %s, %s)"
    return [(insert, list(values)) for values in zip(*columns, strict=True)]


def step_row(step: str, seconds: float) -> Rollup:
    """A row that counts one task of a step that took so long."""
    bound = next((bound for bound in STEP_BOUNDS if seconds <= bound), "+Inf")
    return Rollup(series=STEPS, key=f"{step}|{bound}", count=1, seconds=seconds)


def answer_class(status: int | None) -> str:
    """The class of an answer: 2xx, 3xx, 4xx without 429, 429, 5xx; "none" where there was none, or another number."""
    if status == 429:
        return "429"
    return f"{status // 100}xx" if status is not None and 200 <= status < 600 else "none"


def counted(series: str, keys: Iterable[str]) -> list[Rollup]:
    """Rows that count each of the keys as often as it occurs, in the keys' order."""
    numbers: dict[str, int] = {}
    for key in keys:
        numbers[key] = numbers.get(key, 0) + 1
    return [Rollup(series=series, key=key, count=number) for key, number in sorted(numbers.items())]
