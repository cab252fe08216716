"""Projects are added by their id at the provider, which is not called."""

from typing import Any

import pytest

from exports.models import Call, Project
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast


@pytest.fixture
def key(cast: Cast) -> int:
    """The id of a credential."""
    return cast.credential("toloka").pk


@pytest.mark.parametrize("remote_id", ["10", 10])
def test_a_project_is_added_and_shown(member_api: ApiClient, key: int, remote_id: str | int) -> None:
    answer = member_api.post("/projects", {"credential_id": key, "remote_id": remote_id, "name": "Ten"})
    assert answer.status_code == 201
    made = answer.json()
    assert made.pop("created_at").endswith("Z")
    id_ = made["id"]
    assert made == {"id": id_, "credential_id": key, "provider": "toloka", "remote_id": "10", "name": "Ten"}
    assert made.items() <= member_api.get(f"/projects/{id_}").json().items()
    assert made.items() <= member_api.get("/projects").json()["projects"][0].items()
    assert not Call.objects.exists()


def test_the_name_is_optional(member_api: ApiClient, key: int) -> None:
    assert member_api.post("/projects", {"credential_id": key, "remote_id": "10"}).json()["name"] == ""
    assert member_api.post("/projects", {"credential_id": key, "remote_id": "11", "name": None}).json()["name"] == ""


@pytest.mark.parametrize("remote_id", ["x" * 200, "проект", "a:b@c", "-1"])
def test_any_id_without_slash_question_mark_and_hash_is_accepted(
    member_api: ApiClient, key: int, remote_id: str
) -> None:
    assert member_api.post("/projects", {"credential_id": key, "remote_id": remote_id}).json()["remote_id"] == remote_id


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"remote_id": ""}, "remote_id"),
        ({"remote_id": "x" * 201}, "remote_id"),
        ({"remote_id": "a/b"}, "remote_id"),
        ({"remote_id": "a?b"}, "remote_id"),
        ({"remote_id": "a#b"}, "remote_id"),
        ({"remote_id": None}, "remote_id"),
        ({"remote_id": True}, "remote_id"),
        ({"remote_id": 1.0}, "remote_id"),
        ({"remote_id": ["10"]}, "remote_id"),
        ({"name": "n" * 201}, "name"),
        ({"name": 5}, "name"),
        ({"credential_id": "1"}, "credential_id"),
        ({"credential_id": None}, "credential_id"),
        ({"credential_id": True}, "credential_id"),
        ({"provider": "toloka"}, "provider"),
    ],
)
def test_invalid_values_are_422_with_an_error_per_field(
    member_api: ApiClient, key: int, change: dict[str, Any], field: str
) -> None:
    body = {"credential_id": key, "remote_id": "10"} | change
    assert set(problem_body(member_api.post("/projects", body), 422)["errors"]) == {field}
    assert not Project.objects.exists()


def test_all_missing_fields_are_named_in_one_answer(member_api: ApiClient) -> None:
    assert set(problem_body(member_api.post("/projects"), 422)["errors"]) == {"credential_id", "remote_id"}


def test_a_project_cannot_be_added_twice(member_api: ApiClient, key: int) -> None:
    body = {"credential_id": key, "remote_id": "10"}
    member_api.post("/projects", body)
    assert set(problem_body(member_api.post("/projects", body), 422)["errors"]) == {"remote_id"}


@pytest.mark.parametrize("number", [0, -1, 999_999, 2**63, 10**40, -(10**40)])
def test_an_unknown_credential_is_404(member_api: ApiClient, number: int) -> None:
    problem_body(member_api.post("/projects", {"credential_id": number, "remote_id": "10"}), 404)
