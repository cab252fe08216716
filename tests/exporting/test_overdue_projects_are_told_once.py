"""A project whose last good export is older than its target is overdue: told once, and once when it is fresh again."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from exports.errors import InvalidError
from exports.exporting import delete_file, freshness
from exports.housekeeping.overdue import record_overdue
from exports.models import Event, Project
from tests.helpers.cast import Cast
from tests.helpers.factories import failed_export, succeeded_export
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES

pytestmark = pytest.mark.postgresql


@pytest.fixture
def later() -> Iterator[Callable[[float], Any]]:
    """later(hours) moves the clock ahead."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield lambda hours: clock.shift(timedelta(hours=hours))


def events() -> list[str]:
    rows = Event.objects.filter(type__startswith="project.").order_by("pk")
    return list(rows.values_list("type", flat=True))


def project_with_target(cast: Cast, hours: int = 24) -> Project:
    project = cast.project(TABLES)
    freshness.set_target(project, cast.member.user, hours)
    return project


def test_it_is_told_once_however_often_it_is_checked(cast: Cast, later: Callable[[float], Any]) -> None:
    project = project_with_target(cast)
    later(23)
    assert record_overdue() == 0
    later(2)
    assert [record_overdue(), record_overdue()] == [1, 0]
    assert events() == ["project.overdue"]
    event = Event.objects.get()
    assert (event.project_id, event.team_id, event.data) == (project.pk, cast.team.pk, {"fresh_within_hours": 24})


def test_a_good_export_makes_it_fresh_once_and_it_can_be_overdue_anew(
    cast: Cast, later: Callable[[float], Any]
) -> None:
    project = project_with_target(cast)
    later(25)
    record_overdue()
    failed_export(cast, project=Project.objects.get())
    export = succeeded_export(cast, project=Project.objects.get())
    succeeded_export(cast, project=Project.objects.get())
    project.refresh_from_db()
    assert not project.is_overdue
    assert project.last_good_at == export.finished_at
    record_overdue()
    assert events() == ["project.overdue", "project.fresh"]
    later(25)
    record_overdue()
    assert events() == ["project.overdue", "project.fresh", "project.overdue"]


def test_it_is_told_fresh_where_the_export_had_begun_before_it_was_overdue(
    cast: Cast, later: Callable[[float], Any]
) -> None:
    project = project_with_target(cast)
    later(25)
    record_overdue()
    later(1)
    succeeded_export(cast, project=project)
    assert events() == ["project.overdue"]
    record_overdue()
    record_overdue()
    assert events() == ["project.overdue", "project.fresh"]


def test_a_larger_target_ends_it_without_a_word(cast: Cast, later: Callable[[float], Any]) -> None:
    project = project_with_target(cast)
    later(25)
    record_overdue()
    freshness.set_target(project, cast.member.user, 48)
    record_overdue()
    assert events() == ["project.overdue"]
    later(24)
    record_overdue()
    assert events() == ["project.overdue", "project.overdue"]


def test_deleting_the_file_does_not_change_when_the_last_good_export_was(cast: Cast) -> None:
    export = succeeded_export(cast, project=project_with_target(cast))
    delete_file.delete_file(export, cast.member.user)
    assert Project.objects.get().last_good_at == export.finished_at


def test_many_are_found_in_a_few_statements(
    cast: Cast, later: Callable[[float], Any], django_assert_max_num_queries: Any
) -> None:
    project = project_with_target(cast)
    Project.objects.bulk_create(
        Project(
            team=cast.team,
            credential=project.credential,
            remote_id=str(5000 + number),
            fresh_within_hours=24,
            created_at=project.created_at,
        )
        for number in range(300)
    )
    later(25)
    with django_assert_max_num_queries(10):
        assert record_overdue() == 301


@pytest.mark.parametrize("hours", [0, -1, 8761])
def test_a_target_out_of_range_is_refused(cast: Cast, hours: int) -> None:
    with pytest.raises(InvalidError, match="1 to 8760 hours"):
        freshness.set_target(cast.project(TABLES), cast.member.user, hours)


def test_a_project_whose_exports_yield_no_file_can_have_no_target(cast: Cast) -> None:
    with pytest.raises(InvalidError, match="no copy that could age"):
        freshness.set_target(cast.project(CHANGING), cast.member.user, 24)


def test_archived_projects_and_those_without_a_target_are_left_alone(cast: Cast, later: Callable[[float], Any]) -> None:
    project_with_target(cast)
    Project.objects.update(archived_at=timezone.now())
    cast.project(ARCHIVES)
    later(9000)
    assert record_overdue() == 0
