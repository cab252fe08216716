"""Retention rules through the API: read, replaced, previewed; pins and deleted files."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports.models import AuditEntry, Export, File, Member, Project
from exports.storage import files
from tests.api.conftest import ApiClient, problem_body

NULLS = dict.fromkeys(("keep_last", "keep_days", "keep_daily", "keep_weekly", "keep_monthly", "max_bytes"))
Finished = Callable[..., Export]


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    return ApiClient(owner)


@pytest.fixture
def three(project: Project, finished: Finished) -> list[Export]:
    """Three exports, the oldest first."""
    exports = [finished(project) for _ in range(3)]
    for days, export in zip((9, 5, 1), exports, strict=True):
        File.objects.filter(export=export).update(verified_at=timezone.now() - timedelta(days=days))
    return exports


def put(api: ApiClient, path: str, body: Any) -> Any:
    return api.call("PUT", path, b"null" if body is None else body)


def test_a_team_keeps_everything_until_an_owner_says_otherwise(owner_api: ApiClient, member_api: ApiClient) -> None:
    assert member_api.get("/retention").json() == NULLS
    answer = put(owner_api, "/retention", {"keep_last": 3, "keep_days": None, "max_bytes": 10**9})
    assert answer.status_code == 200
    assert answer.json() == member_api.get("/retention").json() == {**NULLS, "keep_last": 3, "max_bytes": 10**9}
    assert put(owner_api, "/retention", {}).json() == NULLS
    assert AuditEntry.objects.filter(verb="set retention").count() == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"keep_last": 0}, "keep_last"),
        ({"keep_days": -1}, "keep_days"),
        ({"keep_daily": True}, "keep_daily"),
        ({"keep_weekly": "3"}, "keep_weekly"),
        ({"max_bytes": 2**70}, "max_bytes"),
        ({"keep_yearly": 1}, "keep_yearly"),
    ],
)
def test_impossible_numbers_are_refused(owner_api: ApiClient, body: dict[str, Any], field: str) -> None:
    assert list(problem_body(put(owner_api, "/retention", body), 422)["errors"]) == [field]
    assert owner_api.get("/retention").json() == NULLS


def test_a_projects_own_rule_replaces_the_teams_until_it_is_removed(owner_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/retention"
    assert owner_api.get(path).json() is None
    assert put(owner_api, path, {"keep_daily": 7}).json() == {**NULLS, "keep_daily": 7}
    assert owner_api.get(path).json() == {**NULLS, "keep_daily": 7}
    answer = put(owner_api, path, None)
    assert (answer.status_code, answer.json()) == (200, None)
    assert owner_api.get(path).json() is None


def test_the_preview_names_files_rules_and_bytes(member_api: ApiClient, three: list[Export]) -> None:
    answer = member_api.get("/retention/preview?keep_last=1").json()
    assert answer == {
        "files": [
            {
                "export_id": export.pk,
                "project_id": export.project_id,
                "name": "orders.csv",
                "size": 16,
                "rule": "keep_last",
            }
            for export in (three[1], three[0])
        ],
        "bytes": 32,
        "meta": {"limit": 20, "next": None},
    }
    assert File.objects.filter(deleted_at=None).count() == 3


def test_the_preview_is_paged(member_api: ApiClient, three: list[Export]) -> None:
    first = member_api.get("/retention/preview?keep_last=1&limit=1").json()
    assert ([file["export_id"] for file in first["files"]], first["bytes"]) == ([three[1].pk], 32)
    second = member_api.get("/retention/preview" + first["meta"]["next"]).json()
    assert ([file["export_id"] for file in second["files"]], second["bytes"]) == ([three[0].pk], 32)
    assert second["meta"]["next"] is None


def test_without_numbers_the_preview_is_of_the_rules_in_force(
    owner_api: ApiClient, project: Project, three: list[Export]
) -> None:
    assert owner_api.get("/retention/preview").json()["files"] == []
    put(owner_api, "/retention", {"keep_days": 7})
    assert [file["export_id"] for file in owner_api.get("/retention/preview").json()["files"]] == [three[0].pk]
    assert owner_api.get("/retention/preview?keep_days=null").json()["files"] == []
    named = owner_api.get(f"/retention/preview?keep_last=2&project_id={project.pk}").json()["files"]
    assert [file["export_id"] for file in named] == [three[0].pk]


@pytest.mark.parametrize(
    "query", ["keep_last=0", "keep_last=x", "keep_last=", "keep_last=1&keep_last=2", "keep=1", "project_id=999"]
)
def test_a_preview_of_no_rule_is_refused(member_api: ApiClient, query: str) -> None:
    problem_body(member_api.get(f"/retention/preview?{query}"), 422)


def test_the_file_says_when_its_days_end(owner_api: ApiClient, three: list[Export]) -> None:
    put(owner_api, "/retention", {"keep_days": 30})
    shown = [owner_api.get(f"/exports/{export.pk}").json()["file"] for export in three]
    assert [file["expires_at"] is None for file in shown] == [False, False, True]


def test_a_pinned_file_says_so_and_is_kept(member_api: ApiClient, three: list[Export]) -> None:
    path = f"/exports/{three[0].pk}"
    for _ in range(2):
        answer = member_api.post(f"{path}/pin")
        assert (answer.status_code, answer.json()["file"]["pinned"]) == (200, True)
    assert [file["export_id"] for file in member_api.get("/retention/preview?keep_last=1").json()["files"]] == [
        three[1].pk
    ]
    assert member_api.post(f"{path}/unpin").json()["file"]["pinned"] is False
    assert AuditEntry.objects.filter(verb__in=["pinned file", "unpinned file"]).count() == 2


def test_what_has_no_file_is_not_pinned(member_api: ApiClient, export: Export) -> None:
    problem_body(member_api.post(f"/exports/{export.pk}/pin"), 409)


def test_a_file_is_deleted_for_good(member_api: ApiClient, three: list[Export]) -> None:
    export = three[2]
    assert export.file is not None
    path = f"/exports/{export.pk}"
    answer = member_api.call("DELETE", f"{path}/file")
    assert (answer.status_code, answer.content) == (204, b"")
    problem_body(member_api.call("DELETE", f"{path}/file"), 404)
    problem_body(member_api.get(f"{path}/file"), 410)
    problem_body(member_api.post(f"{path}/pin"), 409)
    assert not files.path_of(export.file).exists()
    shown = member_api.get(path).json()
    assert (shown["status"], shown["file"], shown["url"]) == ("succeeded", None, None)
    assert len(member_api.get(f"{path}/history").json()["history"]) == 3
    assert AuditEntry.objects.get(verb="deleted file").detail == f"16 bytes, SHA-256 {export.file.sha256}"


def test_a_lost_file_is_gone_with_a_sentence(member_api: ApiClient, three: list[Export]) -> None:
    assert three[0].file is not None
    files.path_of(three[0].file).unlink()
    assert "missing from storage" in problem_body(member_api.get(f"/exports/{three[0].pk}/file"), 410)["detail"]
