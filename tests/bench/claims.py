"""Claiming and completing due exports: in batches, beside one row after the other."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import psycopg

from tests.bench import seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.result import RATIO, Result, at_least, at_most, median
from tests.bench.testbed import Testbed, open_testbed

ABOUT = (
    "So many open exports are due. In batches: `leases.reserve` takes 500 as the dispatcher does, `leases.begin` turns"
    " them into claims with all that a step needs to know, and `settle_many` completes them; all 500 at once, and as"
    " messages of 50, as the tasks do. Row by row, the usual way with Django: SELECT … FOR UPDATE SKIP LOCKED LIMIT 1"
    " with the same relations, UPDATE, COMMIT, then UPDATE to complete. Bare: the same statements by psycopg, without"
    " objects and without relations. One connection each."
)
BATCH: Final = 500
MESSAGE: Final = 50
SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (2_000, 10_000)


def run(quick: bool) -> list[Result]:
    """All sizes, in turns at each."""
    results: list[Result] = []
    batches: list[float] = []
    for size in QUICK_SIZES if quick else SIZES:
        with open_testbed() as here:
            seed_rows.running(seed_rows.seed(here, 100), size, 1.0, -3600)
            # Two ways take so many, and all of it is due again only after each round.
            count = min(size // 4, 10_000)
            ways: dict[str, Callable[[], float]] = {
                "in batches": lambda count=count: _batches(count, BATCH),  # type: ignore[misc]
                "in batches, messages of 50": lambda count=count: _batches(count, MESSAGE),  # type: ignore[misc]
                "row by row": lambda: _one_by_one(100 if quick else 1000),
                "row by row, bare": lambda here=here: _bare(here, 100 if quick else 1000),  # type: ignore[misc]
            }
            rates: dict[str, list[float]] = {name: [] for name in ways}
            for way in ways.values():
                way()  # what is cold costs once
            _due_again()
            for _ in range(1 if quick else ROUNDS):
                for name, way in ways.items():
                    rates[name].append(way())
                _due_again()
        each = {name: median(values) for name, values in rates.items()}
        batches.append(each["in batches"])
        results += [Result(f"{size} due, {name}", value, "rows/s") for name, value in each.items()]
        print(f"  {size} due: {each['in batches']:.0f} rows/s in batches", flush=True)
        ratio = each["in batches"] / each["row by row"]
        results.append(at_least(f"{size} due, in batches / row by row", ratio, 25, RATIO))
        results.append(Result(f"{size} due, in batches / bare", each["in batches"] / each["row by row, bare"], RATIO))
    results.append(at_most("fastest / slowest size, in batches", max(batches) / min(batches), 1.5, RATIO))
    return results


def _due_again() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE exports_export SET next_step_at = now() - interval '1 hour', held_until = NULL"
            " WHERE next_step_at > now()"
        )
        cursor.execute("VACUUM ANALYZE exports_export")


def _batches(count: int, size: int) -> float:
    from django.db import transaction

    from exports import clock, states
    from exports.queue import leases
    from exports.queue.batch_sql import settle_many

    done, began = 0, time.perf_counter()
    while done < count:
        oldest = leases.oldest_due_by_step()
        with transaction.atomic():
            reserved = leases.reserve([states.POLL], BATCH, oldest[states.POLL], [])
        if not reserved:
            raise AssertionError(f"nothing was due after {done} of {count}")
        for start in range(0, len(reserved), size):
            message = reserved[start : start + size]
            claims = leases.begin([(row.export_id, row.fence) for row in message])
            tomorrow = clock.seconds_from_now(24 * 3600)
            assert settle_many(claims, [{"next_step_at": tomorrow}] * len(claims)) == []
            done += len(claims)
    return done / (time.perf_counter() - began)


def _one_by_one(count: int) -> float:
    from django.db import transaction
    from django.db.models import F
    from django.utils import timezone

    from exports.models import Export

    began = time.perf_counter()
    for _ in range(count):
        now = timezone.now()
        with transaction.atomic():
            waiting = Export.objects.filter(step="poll", next_step_at__lte=now).order_by("next_step_at")
            due = waiting.select_for_update(skip_locked=True, of=("self",))
            export = due.select_related("project__credential", "team", "user")[:1].get()
            lease = now + timedelta(seconds=10)
            changed: dict[str, Any] = {"fence": F("fence") + 1, "crash_count": F("crash_count") + 1}
            Export.objects.filter(pk=export.pk).update(next_step_at=lease, held_until=lease, **changed)
        tomorrow = now + timedelta(days=1)
        rows_ = Export.objects.filter(pk=export.pk, fence=export.fence + 1)
        assert rows_.update(next_step_at=tomorrow, held_until=None, crash_count=0) == 1
    return count / (time.perf_counter() - began)


def _bare(here: Testbed, count: int) -> float:
    lease = "next_step_at = now() + interval '10 s', held_until = now() + interval '10 s'"
    with psycopg.connect(here.address, autocommit=True) as server:
        began = time.perf_counter()
        for _ in range(count):
            with server.transaction():
                row = server.execute(
                    "SELECT id, fence FROM exports_export WHERE next_step_at <= now() AND step = 'poll'"
                    " ORDER BY next_step_at FOR UPDATE SKIP LOCKED LIMIT 1"
                ).fetchone()
                assert row is not None
                server.execute(
                    f"UPDATE exports_export SET {lease}, fence = fence + 1, crash_count = crash_count + 1"  # noqa: S608
                    " WHERE id = %s",
                    [row[0]],
                )
            server.execute(
                "UPDATE exports_export SET next_step_at = now() + interval '1 day', held_until = NULL, crash_count = 0"
                " WHERE id = %s AND fence = %s",
                [row[0], row[1] + 1],
            )
        return count / (time.perf_counter() - began)
