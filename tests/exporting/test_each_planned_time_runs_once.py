"""A clock is stepped through many days: two beats and two workers, killed at random, use each planned time once.

The expected times are found without cron: every minute by the clock on the wall, and what it stands for. `make chaos`
steps through a whole year.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection, connections

from exports import clock, states
from exports.credentials import service
from exports.exporting.run_schedules import run_schedules
from exports.models import Export, Schedule, ScheduleRun
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule

pytestmark = pytest.mark.slow(seconds=4)

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
# Clocks change in three of the zones within the first forty.
DAYS = int(os.environ.get("CHAOS_DAYS", "40"))
MINUTE = timedelta(minutes=1)
KILL_RATE = 0.01
# Sundays of the months in which clocks change somewhere.
CHANGES = (3, 4, 10, 11)

Matches = Callable[[datetime], bool]
# Cron expression, and whether a time on the wall is meant.
ON_THE_WALL: tuple[tuple[str, Matches], ...] = (
    ("30 2 * * *", lambda at: (at.hour, at.minute) == (2, 30)),
    ("45 1 * * *", lambda at: (at.hour, at.minute) == (1, 45)),
    ("@weekly", lambda at: (at.hour, at.minute, at.weekday()) == (0, 0, 6)),
    ("*/20 2 * 3,4,10,11 0", lambda at: at.hour == 2 and at.minute % 20 == 0 and is_change(at)),
)
HOURLY: tuple[str, Matches] = ("0 * * 3,4,10,11 0", lambda at: at.minute == 0 and is_change(at))


def is_change(at: datetime) -> bool:
    return at.weekday() == 6 and at.month in CHANGES


class KilledError(BaseException):
    """The worker's process dies here."""


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The first moment at which clocks on the wall show this, or, where none ever does, the first after it."""
    while True:
        moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local:
            return moment
        local += MINUTE


def expected_times(begin: datetime, end: datetime, zone: ZoneInfo, matches: Matches, *, hourly: bool) -> list[datetime]:
    """The moments after `begin`, up to `end`, that a schedule means."""
    found = set()
    minutes = int((end - begin) / MINUTE)
    if hourly:
        moments = (begin + number * MINUTE for number in range(minutes + 1))
        found = {at for at in moments if matches(at.astimezone(zone))}
    else:
        first = begin.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
        walls = (first + number * MINUTE for number in range(minutes + 2 * 1440))
        found = {moment_of(local, zone) for local in walls if matches(local)}
    return sorted(at for at in found if begin < at <= end)


@dataclass
class Workers:
    """Two workers, each with a connection of its own, which may be killed before any statement."""

    pool: ThreadPoolExecutor
    dice: random.Random
    kills: int = 0

    def beat_twice(self) -> None:
        """Two beats at the same moment, again and again until nothing is due."""
        for _ in range(200):
            for done in [self.pool.submit(self._work) for _ in range(2)]:
                done.result()
            if not Schedule.objects.filter(ask_at__lte=clock.now()).exists():
                return
        raise AssertionError("Something stays due.")

    def _work(self) -> None:
        try:
            with connection.execute_wrapper(self._die_at_random):
                run_schedules()
        except KilledError:
            self.kills += 1
            connection.close()

    def _die_at_random(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.dice.random() < KILL_RATE:
            raise KilledError
        return execute(sql, params, many, context)


def close_connections(both: threading.Barrier) -> None:
    """Closes those of the thread, when each thread has come here."""
    both.wait(20)
    connections.close_all()


@pytest.fixture
def workers(transactional_db: None) -> Iterator[Workers]:
    with ThreadPoolExecutor(2) as pool:
        yield Workers(pool, random.Random(20260329))
        both = threading.Barrier(2)
        for done in [pool.submit(close_connections, both) for _ in range(2)]:
            done.result()


def end_open_exports() -> None:
    """Ends all open exports at once, so that none is a duplicate of the next."""
    now = clock.now()
    Export.objects.open().update(
        status=states.CANCELED, finished_at=now, step=states.NONE, next_step_at=None, held_until=None
    )


def step_through(cast: Cast, workers: Workers, begin: datetime, end: datetime) -> dict[Schedule, list[datetime]]:
    """Makes a schedule of each kind in each zone and moves the clock from one planned time to the next."""
    expected: dict[Schedule, list[datetime]] = {}
    with ExitStack() as stack:
        traveller = stack.enter_context(time_machine.travel(begin, tick=False))
        credential = cast.credential(TABLES)
        for zone_name in ZONES:
            for cron, matches in (*ON_THE_WALL, HOURLY):
                project = service.create_project(credential, cast.owner.user, remote_id=str(len(expected) + 1))
                schedule = make_schedule(project, cast.member, cron, time_zone=zone_name)
                zone = ZoneInfo(zone_name)
                expected[schedule] = expected_times(begin, end, zone, matches, hourly=cron == HOURLY[0])
        for at in sorted({at for times in expected.values() for at in times}):
            traveller.move_to(at + timedelta(seconds=workers.dice.uniform(0, 5)))
            workers.beat_twice()
            end_open_exports()
    return expected


def check(expected: dict[Schedule, list[datetime]]) -> None:
    assert ScheduleRun.objects.count() == Export.objects.count() == sum(map(len, expected.values()))
    for schedule, times in expected.items():
        runs = list(ScheduleRun.objects.filter(schedule=schedule).order_by("planned_at"))
        assert [run.planned_at for run in runs] == times, schedule
        assert {run.outcome for run in runs} == {"requested"}
        assert len({run.export_id for run in runs}) == len(runs)
        assert all(timedelta(0) <= run.at - run.planned_at <= timedelta(seconds=5) for run in runs)
        assert Export.objects.filter(schedule=schedule).count() == len(runs)


@pytest.mark.slow(seconds=20)
@pytest.mark.timeout(900)
def test_days_in_four_zones(cast: Cast, workers: Workers) -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    expected = step_through(cast, workers, begin, begin + timedelta(days=DAYS))
    check(expected)
    assert workers.kills > DAYS // 4
    print(f"{sum(map(len, expected.values()))} planned times, {workers.kills} kills")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "day", [datetime(2026, 3, 8), datetime(2026, 3, 29), datetime(2026, 4, 5), datetime(2026, 10, 4)], ids=str
)
def test_the_days_on_which_clocks_change(cast: Cast, workers: Workers, day: datetime) -> None:
    noon = day.replace(tzinfo=UTC, hour=12)
    check(step_through(cast, workers, noon - timedelta(days=1), noon))
