"""Schedules ask for exports at their planned times, once each, and say why where they do not."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.credentials import service
from exports.exporting import pauses, schedules
from exports.exporting.run_schedules import MAX_MISSED, run_schedules
from exports.models import Change, Event, Export, Member, Schedule
from exports.models.schedule import MAX_FAILURES
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.schedules import end_as, end_exports, make_schedule, outcomes, run_all

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_a_planned_time_makes_one_export_of_its_owner(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member, format="xlsx")
    run_all()
    assert not Export.objects.exists()
    at.move_to(datetime(2026, 3, 3, 2, tzinfo=UTC))
    run_all()
    run_all()
    export = Export.objects.get()
    assert (export.trigger, export.schedule, export.user, export.format) == (
        "schedule",
        schedule,
        cast.member.user,
        "xlsx",
    )
    change = Change.objects.get(export=export)
    assert (change.source, change.actor) == ("schedule", f"schedule {schedule.pk}")
    schedule.refresh_from_db()
    assert schedule.last_export == export
    assert schedule.next_run_at == datetime(2026, 3, 4, 2, tzinfo=UTC)
    assert outcomes(schedule) == [(datetime(2026, 3, 3, 2, tzinfo=UTC), "requested")]


def test_one_export_catches_up_after_downtime_and_the_missed_times_are_recorded(
    cast: Cast, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    at.move_to(datetime(2026, 3, 6, 9, tzinfo=UTC))
    run_all()
    days = [datetime(2026, 3, day, 2, tzinfo=UTC) for day in (3, 4, 5, 6)]
    assert outcomes(schedule) == [(days[0], "missed"), (days[1], "missed"), (days[2], "missed"), (days[3], "requested")]
    assert Export.objects.count() == 1


def test_a_long_downtime_of_a_frequent_schedule_is_recorded_within_bounds(
    cast: Cast, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member, "* * * * *")
    at.move_to(START + timedelta(days=300))
    run_all()
    assert len(outcomes(schedule)) == MAX_MISSED + 1
    assert outcomes(schedule)[-1] == (START + timedelta(days=300), "requested")


def test_a_planned_time_is_skipped_while_its_duplicate_is_open(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member, "@hourly")
    for _ in range(2):
        at.shift(3600)
        run_all()
    assert [word for _, word in outcomes(schedule)] == ["requested", "skipped"]
    assert f"#{Export.objects.get().pk} " in schedule.runs.get(outcome="skipped").note


def test_a_planned_time_is_skipped_while_something_is_paused(cast: Cast, at: time_machine.Traveller) -> None:
    project = cast.project(TABLES)
    schedule = make_schedule(project, cast.member)
    pauses.pause(project, cast.owner.user)
    at.shift(86400)
    run_all()
    assert [word for _, word in outcomes(schedule)] == ["skipped"]
    assert "is paused" in schedule.runs.get().note
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.failures_in_a_row) == (True, 0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda member: member.delete(), "Its owner left the team."),
        (lambda member: Member.objects.filter(pk=member.pk).update(role="viewer"), "Its owner is a viewer now."),
        (
            lambda member: type(member.user).objects.filter(pk=member.user_id).update(is_active=False),
            "Its owner's account was deactivated.",
        ),
    ],
    ids=["left", "viewer", "inactive"],
)
def test_a_schedule_whose_owner_may_not_export_any_more_stops(
    cast: Cast, at: time_machine.Traveller, change: Callable[[Member], object], reason: str
) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    change(cast.member)
    at.shift(86400)
    run_all()
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.next_run_at, schedule.disabled_reason) == (False, None, reason)
    event = Event.objects.get(type="schedule.disabled")
    assert event.data == {"schedule_id": schedule.pk, "reason": reason}
    assert not Export.objects.exists()


def test_five_failures_in_a_row_stop_a_schedule_and_a_success_between_them_does_not(
    cast: Cast, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(cast.project(CHANGING), cast.member, "@hourly", confirm=True)

    def run(failed: bool) -> None:
        at.shift(3600)
        run_all()
        end_as(Export.objects.open().get(), failed=failed)

    for failed in [True] * 4 + [False] + [True] * 4:
        run(failed)
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.failures_in_a_row) == (True, 4)
    run(True)
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.failures_in_a_row) == (False, MAX_FAILURES)
    assert schedule.disabled_reason == "It failed 5 times in a row."
    assert Event.objects.filter(type="schedule.disabled").count() == 1


def test_what_cannot_be_asked_for_counts_as_a_failure(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member, "@hourly")
    Schedule.objects.filter(pk=schedule.pk).update(options={"no-such-option": "x"})
    for _ in range(MAX_FAILURES + 1):
        at.shift(3600)
        run_all()
    schedule.refresh_from_db()
    assert (schedule.enabled, [word for _, word in outcomes(schedule)]) == (False, ["failed"] * MAX_FAILURES)
    assert "Unknown option" in schedule.runs.first().note


def test_archiving_a_project_stops_its_schedules(cast: Cast, at: time_machine.Traveller) -> None:
    project = cast.project(TABLES)
    schedule = make_schedule(project, cast.member)
    service.archive_project(project, cast.owner.user)
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.disabled_reason) == (False, "Its project is archived.")


def test_spread_delays_the_asking_by_a_stable_part(cast: Cast, at: time_machine.Traveller) -> None:
    project = cast.project(TABLES)
    made = [make_schedule(project, cast.member, spread_minutes=60) for _ in range(20)]
    planned = datetime(2026, 3, 3, 2, tzinfo=UTC)
    assert {schedule.next_run_at for schedule in made} == {planned}
    delays = {schedule.ask_at - planned for schedule in made}
    assert len(delays) > 15
    assert all(timedelta(0) <= delay < timedelta(hours=1) for delay in delays)
    at.move_to(made[0].ask_at - timedelta(seconds=1))
    run_all()
    assert outcomes(made[0]) == []
    at.move_to(made[0].ask_at)
    run_all()
    assert [at_ for at_, _ in outcomes(made[0])] == [planned]
    made[0].refresh_from_db()
    assert made[0].ask_at - made[0].next_run_at == schedules.asking_delay(made[0])


def test_run_now_leaves_the_plan_as_it_is(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    before = schedule.next_run_at
    export = schedules.run_now(schedule, cast.owner.user, "person")
    schedule.refresh_from_db()
    assert (schedule.next_run_at, schedule.last_export) == (before, export)
    assert (export.user, export.trigger, export.schedule) == (cast.owner.user, "schedule", schedule)
    end_exports()
    at.shift(86400)
    run_all()
    assert [word for _, word in outcomes(schedule)] == ["requested", "requested"]


def test_resuming_plans_from_now_and_clears_the_failures(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    Schedule.objects.filter(pk=schedule.pk).update(failures_in_a_row=3)
    schedule = schedules.pause(schedule, cast.member)
    assert (schedule.next_run_at, schedule.was_stopped) == (None, False)
    at.shift(10 * 86400)
    run_all()
    schedule = schedules.resume(schedule, cast.member)
    assert (schedule.next_run_at, schedule.failures_in_a_row) == (datetime(2026, 3, 13, 2, tzinfo=UTC), 0)
    assert outcomes(schedule) == []


def test_a_member_takes_over_a_schedule_whose_owner_left(cast: Cast, at: time_machine.Traveller) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    cast.member.delete()
    at.shift(86400)
    run_all()
    schedule = schedules.resume(schedule, cast.owner)
    assert schedule.owner == cast.owner.user
    at.shift(86400)
    run_all()
    assert Export.objects.get().user == cast.owner.user


def test_a_change_of_options_keeps_the_plan_and_a_change_of_times_makes_another(
    cast: Cast, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    before = schedule.next_run_at
    schedule = schedules.change_schedule(schedule, {"format": "xlsx"}, cast.member)
    assert (schedule.format, schedule.next_run_at) == ("xlsx", before)
    schedule = schedules.change_schedule(schedule, {"time_zone": "Asia/Kathmandu"}, cast.member)
    assert schedule.next_run_at == datetime(2026, 3, 2, 20, 15, tzinfo=UTC)


def test_nothing_due_costs_one_query(cast: Cast, at: time_machine.Traveller) -> None:
    make_schedule(cast.project(TABLES), cast.member)
    with CaptureQueriesContext(connection) as queries:
        assert run_schedules() is False
    assert len(queries) == 1
