"""Schedules are made, listed, changed, run and deleted through the API."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from exports.models import AuditEntry, Export, Project, Schedule
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING
from tests.helpers.schedules import make_schedule

FIELDS = {"id", "project_id", "provider", "type", "format", "options", "all_branches", "cron", "time_zone"} | {
    *("spread_minutes", "enabled", "disabled_reason", "failures_in_a_row", "next_runs", "last_export_id", "owner"),
    "created_at",
}
DAILY = {"type": "orders", "cron": "30 2 * * *"}


@pytest.fixture(autouse=True)
def _in_march() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 27, 12, tzinfo=UTC), tick=True):
        yield


@pytest.fixture
def path(project: Project) -> str:
    return f"/projects/{project.pk}/schedules"


def test_a_schedule_is_made_and_shown(member_api: ApiClient, cast: Cast, project: Project, path: str) -> None:
    answer = member_api.post(path, {**DAILY, "format": "xlsx", "time_zone": "Europe/Paris", "spread_minutes": 10})
    made = answer.json()
    assert (answer.status_code, set(made)) == (201, FIELDS)
    assert (made["project_id"], made["format"], made["enabled"], made["spread_minutes"]) == (
        project.pk,
        "xlsx",
        True,
        10,
    )
    assert made["owner"]["email"] == "member@example.org"
    # On 29 March 02:30 does not exist in Paris.
    assert made["next_runs"] == [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
        "2026-03-31T00:30:00Z",
        "2026-04-01T00:30:00Z",
    ]
    assert member_api.get(f"/schedules/{made['id']}").json() == made
    assert member_api.get("/schedules").json()["schedules"] == [made]
    assert member_api.get(path).json() == {"schedules": [made], "meta": {"limit": 20, "next": None}}


def test_the_time_zone_is_the_teams_by_default(member_api: ApiClient, cast: Cast, path: str) -> None:
    assert member_api.post(path, DAILY).json()["time_zone"] == "UTC"
    type(cast.team).objects.filter(pk=cast.team.pk).update(time_zone="Asia/Kathmandu")
    made = member_api.post(path, {"type": "orders", "cron": "@daily"}).json()
    assert (made["time_zone"], made["next_runs"][0]) == ("Asia/Kathmandu", "2026-03-27T18:15:00Z")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cron": "@daily"}, "type"),
        ({"type": "orders"}, "cron"),
        ({"cron": "* * * *"}, "cron"),
        ({"cron": "0 0 0 2 * *"}, "cron"),
        ({"cron": "0 0 30 2 *"}, "cron"),
        ({"cron": "@yearly"}, "cron"),
        ({"cron": None}, "cron"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": "../zone.tab"}, "time_zone"),
        ({"spread_minutes": 61}, "spread_minutes"),
        ({"spread_minutes": -1}, "spread_minutes"),
        ({"spread_minutes": True}, "spread_minutes"),
        ({"enabled": None}, "enabled"),
        ({"format": "zip"}, "format"),
        ({"options": {"color": "red"}}, "options.color"),
        ({"all_branches": True}, "all_branches"),
        ({"every": "day"}, "every"),
    ],
)
def test_what_cannot_be_is_422_by_field(
    member_api: ApiClient, cast: Cast, path: str, project: Project, body: dict[str, Any], field: str
) -> None:
    whole = body if field in ("type",) or body == {"type": "orders"} else {**DAILY, **body}
    assert set(problem_body(member_api.post(path, whole), 422)["errors"]) == {field}
    if field != "type" and body != {"type": "orders"}:
        schedule = make_schedule(project, cast.member)
        answer = member_api.call("PATCH", f"/schedules/{schedule.pk}", body)
        assert set(problem_body(answer, 422)["errors"]) == {field}


def test_a_changing_kind_needs_confirm(member_api: ApiClient, cast: Cast) -> None:
    path = f"/projects/{cast.project(CHANGING).pk}/schedules"
    body = {"type": "archive", "cron": "@monthly"}
    assert set(problem_body(member_api.post(path, body), 422)["errors"]) == {"confirm"}
    made = member_api.post(path, {**body, "confirm": True}).json()
    at = f"/schedules/{made['id']}"
    assert member_api.call("PATCH", at, {"cron": "@weekly"}).json()["cron"] == "@weekly"
    problem_body(member_api.call("PATCH", at, {"options": {"archive_pools": True}}), 422)
    changed = member_api.call("PATCH", at, {"options": {"archive_pools": True}, "confirm": True})
    assert changed.json()["options"] == {"archive_pools": True}


def test_a_schedule_is_changed_paused_and_resumed(member_api: ApiClient, path: str) -> None:
    at = f"/schedules/{member_api.post(path, DAILY).json()['id']}"
    before = member_api.get(at).json()
    assert member_api.call("PATCH", at, {}).json() == before
    paused = member_api.call("PATCH", at, {"enabled": False}).json()
    assert (paused["enabled"], paused["next_runs"], paused["cron"]) == (False, [], "30 2 * * *")
    Schedule.objects.update(failures_in_a_row=4, disabled_reason="It failed.")
    resumed = member_api.call("PATCH", at, {"enabled": True}).json()
    assert (resumed["failures_in_a_row"], resumed["disabled_reason"], len(resumed["next_runs"])) == (0, "", 5)
    assert member_api.call("PATCH", at, {"format": "xlsx"}).json() == {**resumed, "format": "xlsx"}
    verbs = list(AuditEntry.objects.filter(target__startswith="schedule").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["added", "paused", "resumed", "changed"]


def test_run_asks_at_once_and_409_while_the_same_is_open(member_api: ApiClient, path: str) -> None:
    made = member_api.post(path, DAILY).json()
    answer = member_api.post(f"/schedules/{made['id']}/run")
    export = answer.json()
    assert (answer.status_code, export["trigger"], export["status"]) == (201, "schedule", "waiting")
    assert problem_body(member_api.post(f"/schedules/{made['id']}/run"), 409)["export_id"] == export["id"]
    after = member_api.get(f"/schedules/{made['id']}").json()
    assert (after["last_export_id"], after["next_runs"]) == (export["id"], made["next_runs"])


def test_a_deleted_schedule_is_gone_and_its_exports_stay(member_api: ApiClient, path: str) -> None:
    at = f"/schedules/{member_api.post(path, DAILY).json()['id']}"
    export = member_api.post(f"{at}/run").json()
    assert member_api.call("DELETE", at).status_code == 204
    problem_body(member_api.get(at), 404)
    problem_body(member_api.call("DELETE", at), 404)
    assert member_api.get(f"/exports/{export['id']}").json()["trigger"] == "schedule"
    assert Export.objects.get().schedule is None


def test_an_archived_project_takes_no_schedule_and_its_schedules_stay_disabled(
    member_api: ApiClient, project: Project, path: str
) -> None:
    at = f"/schedules/{member_api.post(path, DAILY).json()['id']}"
    assert member_api.call("DELETE", f"/projects/{project.pk}").status_code == 204
    assert member_api.get(at).json()["enabled"] is False
    problem_body(member_api.post(path, DAILY), 404)
    problem_body(member_api.call("PATCH", at, {"enabled": True}), 409)
    back = {"credential_id": project.credential_id, "remote_id": project.remote_id}
    assert member_api.post("/projects", back).status_code == 201
    assert member_api.get(at).json()["enabled"] is False
    assert member_api.call("PATCH", at, {"enabled": True}).json()["enabled"] is True


def test_the_number_of_queries_does_not_grow_with_the_list(
    member_api: ApiClient, cast: Cast, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_schedule(project, cast.member)
    member_api.get("/schedules?limit=1")  # notes that the token was used
    with django_assert_max_num_queries(3):
        assert len(member_api.get("/schedules?limit=10").json()["schedules"]) == 10
