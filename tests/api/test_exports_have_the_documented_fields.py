"""An export has exactly the fields of the contract, with times in UTC and the portal's own address of the file."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from exports import states
from exports.models import Export, Project
from tests.api.conftest import ApiClient
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import request_export

FIELDS = [
    *("id", "project_id", "provider", "type", "format", "options", "status", "step", "progress", "provider_status"),
    *("messages", "error", "created_at", "submitted_at", "started_at", "finished_at", "next_step_at", "deadline_at"),
    *("remote_id", "url", "file", "user", "trigger", "retry_of"),
]
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def shown(api: ApiClient, export: Export) -> dict[str, Any]:
    body: dict[str, Any] = api.get(f"/exports/{export.pk}").json()
    return body


def test_an_export_has_exactly_the_documented_fields(member_api: ApiClient, export: Export) -> None:
    one = shown(member_api, export)
    assert sorted(one) == sorted(FIELDS)
    assert member_api.get("/exports").json()["exports"] == [one]


def test_a_waiting_export_has_only_the_values_that_are_known(member_api: ApiClient, export: Export, cast: Cast) -> None:
    one = shown(member_api, export)
    times = {name: value for name, value in one.items() if name.endswith("_at")}
    assert {name for name, value in times.items() if value} == {"created_at", "next_step_at", "deadline_at"}
    assert all(RFC3339.fullmatch(value) for value in times.values() if value)
    assert {name: value for name, value in one.items() if name not in times} == {
        "id": export.pk,
        "project_id": export.project_id,
        "provider": TABLES,
        "type": "orders",
        "format": "csv",
        "options": {},
        "status": "waiting",
        "step": "submit",
        "progress": None,
        "provider_status": "",
        "messages": [],
        "error": None,
        "remote_id": "",
        "url": None,
        "file": None,
        "user": {"id": cast.member.user.pk, "email": "member@example.org", "name": "Member"},
        "trigger": "person",
        "retry_of": None,
    }


def test_a_failed_export_has_a_reason_and_an_action(member_api: ApiClient, export: Export) -> None:
    export.move(
        states.FAILED,
        source="poll",
        error_code="no_file",
        error_message="No file came.",
        error_action="provider",
    )
    one = shown(member_api, export)
    assert (one["status"], one["step"], one["next_step_at"]) == ("failed", "none", None)
    assert one["error"] == {"code": "no_file", "message": "No file came.", "action": "provider"}


def test_a_succeeded_export_has_its_file(
    member_api: ApiClient, project: Project, finished: Callable[..., Export]
) -> None:
    export = finished(project)
    one = shown(member_api, export)
    assert one["url"] == f"http://testserver/api/v1/exports/{export.pk}/file"
    assert export.file is not None
    verified_at = one["file"].pop("verified_at")
    assert RFC3339.fullmatch(verified_at)
    assert one["file"] == {
        "name": "orders.csv",
        "size": 16,
        "sha256": export.file.sha256,
        "content_type": "text/csv; charset=utf-8",
        "expires_at": None,
        "pinned": False,
        "damaged_at": None,
        "unchecked": None,
    }


def test_the_url_of_the_file_serves_it(
    member_api: ApiClient, project: Project, finished: Callable[..., Export]
) -> None:
    url = shown(member_api, finished(project))["url"]
    answer: Any = member_api.client.get(url, headers={"Authorization": f"Bearer {member_api.token}"})
    assert b"".join(answer.streaming_content) == b"id,total\r\n1,10\r\n"


def test_the_url_of_the_file_begins_with_the_public_url(
    member_api: ApiClient, project: Project, finished: Callable[..., Export], settings: Settings
) -> None:
    settings.PUBLIC_URL = "https://portal.example.org/exports"
    export = finished(project)
    assert shown(member_api, export)["url"] == f"https://portal.example.org/exports/api/v1/exports/{export.pk}/file"


def test_a_deleted_file_is_null(member_api: ApiClient, project: Project, finished: Callable[..., Export]) -> None:
    export = finished(project)
    assert export.file is not None
    export.file.deleted_at = export.finished_at
    export.file.save()
    one = shown(member_api, export)
    assert (one["status"], one["url"], one["file"]) == ("succeeded", None, None)


def test_a_kind_without_a_file_has_format_none(member_api: ApiClient, cast: Cast) -> None:
    export = request_export(cast.project(CHANGING), cast.member, "archive")
    export.move(states.SUCCEEDED, source="worker")
    one = shown(member_api, export)
    assert (one["format"], one["status"], one["url"], one["file"]) == ("none", "succeeded", None, None)


@pytest.mark.parametrize("progress", [0.0, 12.5, 100.0])
def test_progress_is_a_number(member_api: ApiClient, export: Export, progress: float) -> None:
    Export.objects.update(progress=progress)
    assert shown(member_api, export)["progress"] == progress
