"""The API says how old the last good export may be, when it ended, and whether it is overdue."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports.models import AuditEntry, Export, Project
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.roles import TABLES


def test_a_project_without_target_is_not_overdue(member_api: ApiClient, project: Project) -> None:
    Project.objects.update(created_at=timezone.now() - timedelta(days=400))
    body = member_api.get(f"/projects/{project.pk}").json()
    assert (body["fresh_within_hours"], body["last_good_at"], body["overdue"]) == (None, None, False)


def test_without_a_copy_it_counts_from_when_it_was_added(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}"
    assert member_api.call("PATCH", path, {"fresh_within_hours": 2}).json()["overdue"] is False
    Project.objects.update(created_at=timezone.now() - timedelta(hours=3))
    assert member_api.get(path).json()["overdue"] is True
    [listed] = member_api.get("/projects").json()["projects"]
    assert listed["overdue"] is True
    cleared = member_api.call("PATCH", path, {"fresh_within_hours": None}).json()
    assert (cleared["fresh_within_hours"], cleared["overdue"]) == (None, False)
    targets = AuditEntry.objects.filter(verb="set target").order_by("pk")
    assert list(targets.values_list("detail", flat=True)) == ["last good export at most 2 h old", "none"]


def test_a_good_export_makes_it_fresh(member_api: ApiClient, project: Project, finished: Callable[..., Export]) -> None:
    Project.objects.update(created_at=timezone.now() - timedelta(hours=3), fresh_within_hours=2)
    finished(project)
    body = member_api.get(f"/projects/{project.pk}").json()
    assert body["overdue"] is False
    assert body["last_good_at"] == member_api.get("/exports").json()["exports"][0]["finished_at"]


@pytest.mark.parametrize("hours", [0, -5, 8761, "24", 1.5, True])
def test_a_wrong_target_is_422(member_api: ApiClient, project: Project, hours: Any) -> None:
    answer = member_api.call("PATCH", f"/projects/{project.pk}", {"fresh_within_hours": hours})
    assert set(problem_body(answer, 422)["errors"]) == {"fresh_within_hours"}


def test_a_paused_project_takes_no_new_exports(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}"
    assert member_api.call("PATCH", path, {"paused": True}).json()["paused"] is True
    detail = problem_body(member_api.post(f"{path}/exports", {"type": "orders"}), 409)["detail"]
    assert detail.startswith(f"The project The {TABLES} one is paused")
    assert member_api.call("PATCH", path, {"paused": False}).json()["paused"] is False
    assert member_api.post(f"{path}/exports", {"type": "orders"}).status_code == 201


@pytest.mark.parametrize("paused", [None, "yes", 1])
def test_paused_is_true_or_false(member_api: ApiClient, project: Project, paused: Any) -> None:
    answer = member_api.call("PATCH", f"/projects/{project.pk}", {"paused": paused})
    assert set(problem_body(answer, 422)["errors"]) == {"paused"}
