"""A year of calls to providers, a day after the other: what the table of calls grows to, and what pruning costs."""

import time
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from tests.bench import seed_rows
from tests.bench.result import RATIO, Result, at_most, median
from tests.bench.testbed import open_testbed

SECONDS_A_DAY: Final = 86_400
POLLS_A_SECOND: Final = 400
KEPT_DAYS: Final = 30
EXPORTS: Final = 1_000
# As PostgreSQL's autovacuum decides by default: dead rows beyond a fifth of the table.
VACUUM_SHARE, VACUUM_ROWS = 0.2, 50
ABOUT = (
    f"{POLLS_A_SECOND} polls a second write a row each, {POLLS_A_SECOND * SECONDS_A_DAY / 1e6:.1f} million a day."
    " Simulated at a scale: each day is one INSERT of its share of rows with the times of that day, then the sweep's"
    f" pruning with {KEPT_DAYS} days kept, then VACUUM where autovacuum's default threshold says so. Days of rows are"
    " made, not lived: what polls and pages do beside it is not part of this. Bytes are those of the table with its"
    " indices. A page's read is the newest 20 calls of one export. For comparison a day of the same rows is dropped"
    " as a partition, and deleted; WAL is what both write."
)


def run(quick: bool) -> list[Result]:
    """A year, at 1/2000 of the rows; quick: 120 days at 1/10000."""
    days, scale = (120, 10_000) if quick else (365, 2_000)
    rows = POLLS_A_SECOND * SECONDS_A_DAY // scale
    with open_testbed() as here:
        made = seed_rows.seed(here)
        seed_rows.running(made, EXPORTS, 60, 3600)
        first, last = _live(days, rows)
        results = [
            Result(f"rows a day (1/{scale})", rows),
            Result(
                "bytes at the end", last["bytes"] / 1e6, "MB", note=f"{last['bytes'] / last['rows']:.0f} bytes a row"
            ),
            at_most(f"bytes: day {days} / day {KEPT_DAYS + 10}", last["bytes"] / first["bytes"], 1.25, RATIO),
            at_most("rows at the end / rows of the kept days", last["rows"] / (rows * KEPT_DAYS), 1.1, RATIO),
            Result("a day's pruning", last["prune"], "s", note=f"{rows / last['prune']:,.0f} rows a second"),
            at_most(f"pruning: day {days} / day {KEPT_DAYS + 10}", last["prune"] / first["prune"], 2, RATIO),
            at_most("a page's read of calls at the end", last["read"], 20, "ms", f"{first['read']:.2f} ms at first"),
            Result("a VACUUM", last["vacuum"], "s"),
        ]
        return results + _compare_with_partitions(rows)


def _live(days: int, rows: int) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the figures shortly after the first rows have gone, and at the end: medians of ten days each."""
    from django.conf import settings

    settings.HISTORY_DAYS_OF_CALLS = KEPT_DAYS
    begin = datetime.now().astimezone() - timedelta(days=days)
    kept: list[dict[str, float]] = []
    vacuum = 0.0
    for day in range(days):
        _write_day(begin + timedelta(days=day), rows, "exports_call")
        prune = _seconds(partial(_prune, begin + timedelta(days=day + 1)))
        dead, live = _first_row("SELECT n_dead_tup, n_live_tup FROM pg_stat_user_tables WHERE relname = 'exports_call'")
        if dead > VACUUM_ROWS + VACUUM_SHARE * live:
            vacuum = _seconds(lambda: _execute("VACUUM (ANALYZE) exports_call"))
        size = _first_row("SELECT pg_total_relation_size('exports_call')")[0]
        count = _first_row("SELECT count(*) FROM exports_call")[0]
        read = median(_seconds(_read_page) for _ in range(5)) * 1000
        kept.append({"bytes": size, "rows": count, "prune": prune, "read": read, "vacuum": vacuum})
    steady = kept[KEPT_DAYS : KEPT_DAYS + 10]
    return _medians(steady), _medians(kept[-10:])


def _medians(days: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(day[name] for day in days) for name in days[0]}


def _write_day(day: datetime, rows: int, table: str) -> None:
    step = SECONDS_A_DAY / rows
    _execute(
        f"INSERT INTO {table} (export_id, credential_id, at, method, url, status, seconds, error, correlation)"  # noqa: S608
        f" SELECT {seed_rows.FIRST_ID} + g % {EXPORTS}, (SELECT min(id) FROM exports_credential),"
        f" TIMESTAMPTZ '{day.isoformat()}' + g * interval '{step:.6f} seconds', 'GET',"
        " 'https://provider.example/api/jobs/' || g, 200, 0.2, '', md5(g::text)"
        f" FROM generate_series(0, {rows - 1}) AS g"
    )


def _prune(now: datetime) -> None:
    import time_machine

    from exports.housekeeping import expired_rows

    with time_machine.travel(now, tick=True):
        # The sweep comes every minute and takes a few seconds at a time.
        while expired_rows.delete_old_calls():
            pass


def _read_page() -> None:
    from exports.models import Call

    list(Call.objects.filter(export_id=seed_rows.FIRST_ID + 7).order_by("-pk")[:20])


def _compare_with_partitions(rows: int) -> list[Result]:
    """A day of rows that is dropped as a partition, and deleted in batches."""
    _execute("CREATE TABLE bench_parted (LIKE exports_call INCLUDING DEFAULTS) PARTITION BY RANGE (at)")
    _execute("ALTER TABLE bench_parted ADD PRIMARY KEY (id, at)")
    _execute("CREATE INDEX ON bench_parted (export_id, id)")
    _execute("CREATE INDEX ON bench_parted (credential_id)")
    _execute("CREATE SEQUENCE bench_ids")
    _execute("ALTER TABLE bench_parted ALTER COLUMN id SET DEFAULT nextval('bench_ids')")
    begin = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=KEPT_DAYS)
    for day in range(KEPT_DAYS + 1):
        start = begin + timedelta(days=day)
        _execute(
            f"CREATE TABLE bench_day_{day} PARTITION OF bench_parted"
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + timedelta(days=1)).isoformat()}')"
        )
        _write_day(start, rows, "bench_parted")
    dropped, dropped_wal = _with_wal(lambda: _execute("DROP TABLE bench_day_0"))
    read = median(_seconds(_read_parted) for _ in range(5)) * 1000
    tomorrow = datetime.now().astimezone() + timedelta(days=1)
    deleted, deleted_wal = _with_wal(lambda: _prune(tomorrow))
    vacuum, vacuum_wal = _with_wal(lambda: _execute("VACUUM exports_call"))
    return [
        Result("a day's rows dropped as a partition", dropped, "s", note=f"{dropped_wal / 1e6:.2f} MB of WAL"),
        Result("a day's rows deleted in batches", deleted, "s", note=f"{deleted_wal / 1e6:.1f} MB of WAL"),
        Result("the VACUUM after it", vacuum, "s", note=f"{vacuum_wal / 1e6:.1f} MB of WAL"),
        Result(f"a page's read of calls in {KEPT_DAYS} partitions", read, "ms"),
    ]


def _read_parted() -> None:
    _all(f"SELECT * FROM bench_parted WHERE export_id = {seed_rows.FIRST_ID + 7} ORDER BY id DESC LIMIT 20")  # noqa: S608


def _with_wal(work: Any) -> tuple[float, float]:
    before = _first_row("SELECT pg_current_wal_insert_lsn()")[0]
    seconds = _seconds(work)
    return seconds, float(_first_row(f"SELECT pg_current_wal_insert_lsn() - '{before}'::pg_lsn")[0])


def _seconds(work: Any) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _execute(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)


def _all(statement: str) -> list[tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _first_row(statement: str) -> tuple[Any, ...]:
    return _all(statement)[0]
