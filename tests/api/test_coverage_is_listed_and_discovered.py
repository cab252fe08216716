"""The API lists what is there against what is here, and has the provider's projects listed anew on request."""

from typing import Any

import pytest
from django.utils import timezone

from exports.credentials.discovery import discover
from exports.housekeeping.discovery import run_discovery
from exports.models import Credential, Project, RemoteProject
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES

FIELDS = {"credential_id", "provider", "remote_id", "name", "project_id", "state", "last_good_at", "scheduled"}


def test_a_request_lists_the_providers_projects_in_the_background(
    member_api: ApiClient, cast: Cast, origin_of: Any
) -> None:
    credential = cast.credential(ARCHIVES, origin_of(ARCHIVES))
    project = cast.project(ARCHIVES, credential=credential)
    answer = member_api.post(f"/credentials/{credential.pk}/discover")
    assert answer.status_code == 202
    assert answer.json()["discovered_at"] is None
    assert not RemoteProject.objects.exists(), "the provider is not called meanwhile"
    run_discovery()
    rows = member_api.get("/coverage?limit=100").json()["coverage"]
    assert all(set(row) == FIELDS for row in rows)
    by_id = {row["remote_id"]: row for row in rows}
    ours = by_id["100001"]
    assert (ours["project_id"], ours["state"], ours["scheduled"]) == (project.pk, "never", False)
    assert {row["state"] for id_, row in by_id.items() if id_ != "100001"} == {"unprotected"}
    assert len(by_id) > 10
    assert member_api.get(f"/credentials/{credential.pk}").json()["discovered_at"] is not None


def test_pages_follow_each_other_and_keep_the_filters(member_api: ApiClient, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    RemoteProject.objects.bulk_create(RemoteProject(credential=credential, remote_id=f"{n}") for n in range(1, 6))
    RemoteProject.objects.create(credential=cast.credential(CHANGING), remote_id="1")
    query, seen = f"?provider={TABLES}&state=unprotected,never&limit=2", list[str]()
    while query:
        body = member_api.get(f"/coverage{query}").json()
        assert body["meta"]["limit"] == 2
        seen += [row["remote_id"] for row in body["coverage"]]
        query = body["meta"]["next"]
    assert seen == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=lost", "state"),
        ("provider=nobody", "provider"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("credential_id=x", "credential_id"),
        ("after=x", "after"),
        ("before=3", "before"),
        ("state=", "state"),
    ],
)
def test_a_wrong_parameter_is_422(member_api: ApiClient, query: str, field: str) -> None:
    assert set(problem_body(member_api.get(f"/coverage?{query}"), 422)["errors"]) == {field}


def test_viewers_read_and_members_discover(api: Any, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    RemoteProject.objects.create(credential=credential, remote_id="1")
    path = f"/credentials/{credential.pk}/discover"
    assert len(api(cast.viewer).get("/coverage").json()["coverage"]) == 1
    assert api(cast.outsider).get("/coverage").json()["coverage"] == []
    problem_body(api(cast.viewer).post(path), 403)
    problem_body(api(cast.outsider).post(path), 404)
    assert api(cast.member).post(path).status_code == 202


def test_a_paused_credential_is_not_asked(member_api: ApiClient, cast: Cast) -> None:
    credential = cast.credential(TABLES)
    Credential.objects.update(paused_at=timezone.now())
    detail = problem_body(member_api.post(f"/credentials/{credential.pk}/discover"), 409)["detail"]
    assert "is paused" in detail


def test_the_list_stays_where_the_provider_cannot_be_reached(
    member_api: ApiClient, cast: Cast, sandbox: Any, origin_of: Any
) -> None:
    credential = cast.credential(TABLES, origin_of(TABLES))
    discover(credential)
    before = member_api.get("/coverage?limit=100").json()
    sandbox.fault(provider=TABLES, on="list", fault="status", status=500)
    discover(credential)
    assert member_api.get("/coverage?limit=100").json() == before
    assert "500" in member_api.get(f"/credentials/{credential.pk}").json()["discovery_error"]
    assert not Project.objects.exists()
