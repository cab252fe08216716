"""What became of planned times is kept for a year."""

from datetime import timedelta

from exports import clock
from exports.housekeeping.expired_rows import SCHEDULE_RUNS_KEPT
from exports.housekeeping.sweep import sweep
from exports.models import ScheduleRun
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule


def test_rows_older_than_a_year_go(cast: Cast) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    for days in (-1, 1):
        at = clock.now() - SCHEDULE_RUNS_KEPT + timedelta(days=days)
        ScheduleRun.objects.create(schedule=schedule, planned_at=at, at=at, outcome="skipped")
    sweep()
    assert ScheduleRun.objects.get().at > clock.now() - SCHEDULE_RUNS_KEPT
