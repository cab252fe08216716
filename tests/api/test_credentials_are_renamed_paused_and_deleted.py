"""Owners rename, pause and delete credentials; one that live projects use is not deleted, and the answer names them."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.models import AuditEntry, Credential, Export, Member, Project
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES


@pytest.fixture
def owner_api(owner: Member) -> ApiClient:
    """Speaks for the owner."""
    return ApiClient(owner)


def test_it_is_read_renamed_and_paused(owner_api: ApiClient, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    path = f"/credentials/{credential.pk}"
    before = owner_api.get(path).json()
    assert (before["name"], before["paused"]) == (TABLES, False)
    changed = owner_api.call("PATCH", path, {"name": " Shop ", "paused": True})
    assert changed.status_code == 200
    assert changed.json() == before | {"name": "Shop", "paused": True}
    assert owner_api.call("PATCH", path, {}).json() == changed.json()
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", "target")
    assert list(verbs)[-2:] == [("renamed", f"credential Shop ({TABLES})"), ("paused", f"credential Shop ({TABLES})")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": "taken"}, "name"),
        ({"name": None}, "name"),
        ({"paused": None}, "paused"),
        ({"secrets": {}}, "secrets"),
    ],
)
def test_a_wrong_change_is_422_and_changes_nothing(
    owner_api: ApiClient, cast: Cast, body: dict[str, Any], field: str
) -> None:
    cast.credential(CHANGING, name="taken")
    path = f"/credentials/{cast.credential(TABLES).pk}"
    before = owner_api.get(path).json()
    assert set(problem_body(owner_api.call("PATCH", path, body), 422)["errors"]) == {field}
    assert owner_api.get(path).json() == before


def test_with_a_paused_credential_nothing_new_is_asked(owner_api: ApiClient, project: Project) -> None:
    owner_api.call("PATCH", f"/credentials/{project.credential_id}", {"paused": True})
    refused = owner_api.post(f"/projects/{project.pk}/exports", {"type": "orders"})
    assert problem_body(refused, 409)["detail"].startswith(f"The credential {TABLES} 0 is paused")


def test_live_projects_keep_it_and_are_named(owner_api: ApiClient, cast: Cast, project: Project) -> None:
    cast.project(TABLES, remote_id="4002")
    path = f"/credentials/{project.credential_id}"
    detail = problem_body(owner_api.call("DELETE", path), 409)["detail"]
    assert detail.startswith(f"In use by the projects The {TABLES} one, The {TABLES} one.")
    for row in Project.objects.all():
        owner_api.call("DELETE", f"/projects/{row.pk}")
    assert owner_api.call("DELETE", path).status_code == 204
    problem_body(owner_api.get(path), 404)
    assert not Credential.objects.exists()


def test_the_history_of_archived_projects_outlives_it_without_secrets(
    owner_api: ApiClient, project: Project, finished: Callable[..., Export], cast: Cast
) -> None:
    export = finished(project)
    path = f"/credentials/{project.credential_id}"
    owner_api.call("DELETE", f"/projects/{project.pk}")
    assert owner_api.call("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        problem_body(owner_api.call(method, path, body), 404)
    assert owner_api.get("/credentials").json()["credentials"] == []
    kept = Credential.objects.get()
    assert (kept.encrypted_secrets, kept.encrypted_grant) == ({}, "")
    assert owner_api.get(f"/exports/{export.pk}").json()["status"] == "succeeded"
    again = {"credential_id": kept.pk, "remote_id": project.remote_id}
    problem_body(owner_api.post("/projects", again), 404)
    assert cast.credential(TABLES, name=f"{TABLES} 0").pk != kept.pk, "its name is free"


def test_only_owners_may(api: Any, cast: Cast) -> None:
    path = f"/credentials/{cast.credential(TABLES).pk}"
    for method in ("PATCH", "DELETE"):
        for person in (cast.member, cast.viewer):
            problem_body(api(person).call(method, path, {}), 403)
        problem_body(api(cast.outsider).call(method, path, {}), 404)
    assert api(cast.viewer).get(path).status_code == 200
    problem_body(api(cast.outsider).get(path), 404)
