"""One press, or one schedule, exports every branch of a project: one export each, within a limit that is stated."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from exports.errors import InvalidError, PausedError
from exports.exporting import branches, pauses, schedules
from exports.exporting.create import ExportRequest, Requester
from exports.exporting.run_schedules import BRANCHES_TRIED_FOR
from exports.exporting.schedules import ScheduleRequest
from exports.models import Call, Export, Project
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.schedules import end_as, end_exports, make_schedule, outcomes, run_all


@pytest.fixture
def project(cast: Cast, origin_of: Callable[[str], str]) -> Project:
    return cast.project(ARCHIVES, origin_of(ARCHIVES))


@pytest.fixture
def branch_ids(project: Project) -> list[str]:
    kind = project.provider.kind("archive")
    assert kind is not None
    ids = branches.list_branches(project, kind).ids
    assert len(ids) > 1
    return ids


def page_of(project: Project) -> str:
    return reverse("web:branches", args=["the-team", project.pk, "archive"])


def exported() -> list[str]:
    return [export.options["branch_id"] for export in Export.objects.order_by("pk")]


def test_the_page_says_how_many_and_one_press_asks_for_each(
    as_member: Client, project: Project, branch_ids: list[str]
) -> None:
    page = as_member.get(page_of(project)).content.decode()
    assert f"Run {len(branch_ids)} exports" in page
    answer = as_member.post(page_of(project), {"branch": branch_ids})
    assert answer.headers["Location"] == f"/t/the-team/exports/?project_id={project.pk}"
    assert exported() == branch_ids
    # The second click of a double click.
    as_member.post(page_of(project), {"branch": branch_ids})
    assert exported() == branch_ids


def test_the_form_of_a_new_export_leads_there(as_member: Client, project: Project) -> None:
    form = as_member.get(reverse("web:ask", args=["the-team", project.pk, "archive"])).content.decode()
    assert page_of(project) in form
    app = as_member.get(reverse("web:ask", args=["the-team", project.pk, "app"])).content.decode()
    assert "/branches" not in app


def test_more_than_the_limit_is_refused(cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [str(number) for number in range(branches.MAX_BRANCHES + 1)]
    with pytest.raises(InvalidError):
        branches.create_branch_exports(project, ExportRequest("archive"), Requester(cast.member.user), ids)
    assert not Export.objects.exists()
    monkeypatch.setattr(branches, "MAX_BRANCHES", 1)
    kind = project.provider.kind("archive")
    assert kind is not None
    listed = branches.list_branches(project, kind)
    assert (len(listed.pairs), listed.omitted > 0) == (1, True)


@pytest.fixture
def at(cast: Cast) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC).replace(hour=12), tick=True) as traveller:
        yield traveller


def test_a_schedule_asks_for_every_branch(
    cast: Cast, project: Project, branch_ids: list[str], at: time_machine.Traveller
) -> None:
    schedule = make_schedule(project, cast.member, all_branches=True)
    at.shift(86400)
    run_all()
    assert exported() == branch_ids
    assert [word for _, word in outcomes(schedule)] == ["requested"]
    assert schedule.runs.get().note == f"{len(branch_ids)} of {len(branch_ids)} branches."
    at.shift(86400)
    run_all()
    assert [word for _, word in outcomes(schedule)] == ["requested", "skipped"]
    end_exports()
    schedules.run_now(schedule, cast.member.user, "person")
    assert exported() == branch_ids * 2


def test_a_run_whose_branches_all_fail_counts_once(
    cast: Cast, project: Project, branch_ids: list[str], at: time_machine.Traveller
) -> None:
    schedule = make_schedule(project, cast.member, all_branches=True)
    for times in (1, 2):
        at.shift(86400)
        run_all()
        for export in Export.objects.open():
            end_as(export, failed=True)
        schedule.refresh_from_db()
        assert schedule.failures_in_a_row == times


def test_branches_that_cannot_be_listed_are_asked_for_again_for_a_while(
    cast: Cast, project: Project, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(project, cast.member, all_branches=True)
    project.credential.save_secrets({"token": "a-token-that-is-refused"})
    planned = schedule.next_run_at
    assert planned is not None
    at.move_to(planned)
    run_all()
    schedule.refresh_from_db()
    assert (outcomes(schedule), schedule.ask_at > planned) == ([], True)
    at.move_to(planned + BRANCHES_TRIED_FOR + timedelta(minutes=2))
    run_all()
    assert [word for _, word in outcomes(schedule)] == ["failed"]
    assert "could not be listed" in schedule.runs.get().note


def test_only_kinds_with_branches_take_it_and_not_beside_one_branch(cast: Cast, project: Project) -> None:
    for type_, options in (("app", {"name": "x", "scenes": [1]}), ("archive", {"branch_id": "b"})):
        with pytest.raises(InvalidError):
            schedules.create_schedule(
                project, ScheduleRequest(type_, "@daily", options=options, all_branches=True), cast.member.user
            )


def test_while_something_is_paused_the_provider_is_not_asked(
    cast: Cast, project: Project, at: time_machine.Traveller
) -> None:
    schedule = make_schedule(project, cast.member, all_branches=True)
    pauses.pause(project, cast.owner.user)
    calls = Call.objects.count()
    at.shift(86400)
    run_all()
    with pytest.raises(PausedError):
        schedules.run_now(schedule, cast.member.user, "person")
    assert ([word for _, word in outcomes(schedule)], Call.objects.count()) == (["skipped"], calls)
