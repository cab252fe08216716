"""Running schedules: what a call costs while nothing is due, and while very many are."""

import time
from datetime import timedelta
from typing import Final

from tests.bench import seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.result import RATIO, Result, at_most, median
from tests.bench.testbed import open_testbed

ABOUT = (
    "So many schedules, each of a project of its own. Idle: none is due, as in nearly every call of"
    " `run_schedules`, of which beat asks for one every five seconds. Due: all are due at once, and calls of"
    " `run_schedules` ask for the exports of the first hundred. Both are held to what they cost at a hundred schedules."
)
FEW: Final = 100
MANY: Final = 10_000
QUICK_MANY: Final = 2_000
IDLE_CALLS: Final = 200
MAX_RATIO: Final = 1.5


def run(quick: bool) -> list[Result]:
    """Few and many schedules in turns, in one database."""
    many = QUICK_MANY if quick else MANY
    times: dict[int, list[tuple[float, float, float]]] = {FEW: [], many: []}
    with open_testbed() as here:
        made = seed_rows.seed(here)
        for _ in range(1 if quick else ROUNDS):
            for count, rounds in times.items():
                _seed(made, count)
                rounds.append(_measure())
                print(
                    f"  {count}: idle {1000 * rounds[-1][0]:.2f} ms, due {1000 * rounds[-1][1]:.2f} ms each", flush=True
                )
    results = []
    for index, name in enumerate(("idle, one call", "due, each export")):
        each = {count: median([figures[index] for figures in rounds]) for count, rounds in times.items()}
        results += [Result(f"{count} schedules, {name}", 1000 * value, "ms") for count, value in each.items()]
        results.append(at_most(f"{name}: {many} / {FEW} schedules", each[many] / each[FEW], MAX_RATIO, RATIO))
    longest = max(figures[2] for figures in times[many])
    results.append(at_most(f"{many} due: longest call", 1000 * longest, 1000, "ms", "so long others wait for the slot"))
    return results


def _measure() -> tuple[float, float, float]:
    """Seconds of an idle call, of each export of the first FEW that are due, and of the longest call."""
    from exports.exporting.run_schedules import run_schedules
    from exports.models import Export

    run_schedules()
    idle = []
    for _ in range(IDLE_CALLS):
        began = time.perf_counter()
        assert run_schedules() is False
        idle.append(time.perf_counter() - began)
    _make_due()
    before, calls = Export.objects.count(), []
    while (made := Export.objects.count() - before) < FEW:
        began = time.perf_counter()
        run_schedules()
        calls.append(time.perf_counter() - began)
    return median(idle), sum(calls) / made, max(calls)


def _seed(made: seed_rows.SeedRows, count: int) -> None:
    """Makes so many schedules, in the place of those there are."""
    from django.db import connection

    from exports import clock
    from exports.models import Project, Schedule

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE exports_schedule, exports_export CASCADE")
    Project.objects.exclude(pk=made.projects[0].pk).delete()
    projects = Project.objects.bulk_create(
        [
            Project(team=made.team, credential=made.credentials[0], remote_id=str(500_000 + number))
            for number in range(count)
        ],
        batch_size=1000,
    )
    later = clock.now() + timedelta(hours=1)
    Schedule.objects.bulk_create(
        [
            Schedule(
                team=made.team, project=project, owner=made.user, created_by=made.user, type="archive", format="zip",
                cron="0 2 * * *", next_run_at=later, ask_at=later,
            )
            for project in projects
        ],
        batch_size=1000,
    )  # fmt: skip
    _analyze()


def _make_due() -> None:
    """All are due now, none has an open export."""
    from exports import clock
    from exports.models import Export, Schedule, ScheduleRun

    ScheduleRun.objects.all().delete()
    Schedule.objects.update(last_export=None)
    now = clock.now()
    Export.objects.filter(status="waiting").update(status="canceled", finished_at=now, step="none", next_step_at=None)
    Schedule.objects.update(next_run_at=now - timedelta(seconds=1), ask_at=now - timedelta(seconds=1))
    _analyze()


def _analyze() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
