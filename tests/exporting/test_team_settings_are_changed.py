"""A team's time zone moves the planned times of schedules that have no zone of their own, and of no other."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from exports.errors import InvalidError
from exports.exporting import team_settings
from exports.models import AuditEntry, Schedule
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def next_run(schedule: Schedule) -> datetime | None:
    return Schedule.objects.get(pk=schedule.pk).next_run_at


@time_machine.travel(NOON, tick=False)
def test_schedules_in_the_teams_zone_are_planned_again(cast: Cast) -> None:
    project = cast.project(TABLES)
    in_teams = make_schedule(project, cast.member)
    own = make_schedule(project, cast.member, time_zone="UTC")
    paused = make_schedule(project, cast.member, enabled=False)
    team_settings.change_team(cast.team, cast.owner.user, {"time_zone": "Europe/Paris"})
    assert next_run(in_teams) == datetime(2026, 7, 2, 0, tzinfo=UTC)
    assert next_run(own) == datetime(2026, 7, 2, 2, tzinfo=UTC)
    assert next_run(paused) is None


@time_machine.travel(NOON, tick=False)
def test_many_schedules_are_planned_again_in_few_statements(cast: Cast, django_assert_max_num_queries: Any) -> None:
    project = cast.project(TABLES)
    for _ in range(20):
        make_schedule(project, cast.member)
    with django_assert_max_num_queries(12):
        team_settings.change_team(cast.team, cast.owner.user, {"time_zone": "Europe/Paris"})


def test_every_problem_is_said_at_once_and_nothing_is_changed(cast: Cast) -> None:
    with pytest.raises(InvalidError) as problem:
        team_settings.change_team(cast.team, None, {"name": "", "time_zone": "x", "expiry_notice_days": -1})
    assert set(problem.value.errors) == {"name", "time_zone", "expiry_notice_days"}


def test_what_is_the_same_is_not_recorded(cast: Cast) -> None:
    team_settings.change_team(cast.team, cast.owner.user, {"name": "The Team", "time_zone": "UTC", "paused": False})
    assert not AuditEntry.objects.exists()
