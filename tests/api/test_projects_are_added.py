"""Projects are added by their id at the provider, which is not called."""

from typing import Any

import pytest

from exports.models import Call, Project
from exports.providers.project_ids import ANY_ID
from exports.providers.registry import PROVIDERS
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.samples import SAMPLES


@pytest.fixture
def key(cast: Cast) -> int:
    """The id of a credential."""
    return cast.credential(CHANGING).pk


@pytest.mark.parametrize("remote_id", ["10", 10])
def test_a_project_is_added_and_shown(member_api: ApiClient, key: int, remote_id: str | int) -> None:
    answer = member_api.post("/projects", {"credential_id": key, "remote_id": remote_id, "name": "Ten"})
    assert answer.status_code == 201
    made = answer.json()
    assert made.pop("created_at").endswith("Z")
    id_ = made["id"]
    about = {"id": id_, "credential_id": key, "provider": CHANGING, "remote_id": "10", "name": "Ten"}
    assert made == about | {"paused": False, "fresh_within_hours": None, "last_good_at": None, "overdue": False}
    assert made.items() <= member_api.get(f"/projects/{id_}").json().items()
    assert made.items() <= member_api.get("/projects").json()["projects"][0].items()
    assert not Call.objects.exists()


def test_the_name_is_optional(member_api: ApiClient, key: int) -> None:
    assert member_api.post("/projects", {"credential_id": key, "remote_id": "10"}).json()["name"] == ""
    assert member_api.post("/projects", {"credential_id": key, "remote_id": "11", "name": None}).json()["name"] == ""


@pytest.mark.parametrize("remote_id", ["x" * 200, "проект", "a:b@c", "-1"])
def test_any_id_without_slash_question_mark_and_hash_is_accepted_where_the_provider_has_no_rule(
    member_api: ApiClient, key: int, monkeypatch: pytest.MonkeyPatch, remote_id: str
) -> None:
    monkeypatch.setattr(type(PROVIDERS[CHANGING]), "project_id", ANY_ID)
    assert member_api.post("/projects", {"credential_id": key, "remote_id": remote_id}).json()["remote_id"] == remote_id


@pytest.mark.parametrize(
    ("slug", "remote_id", "words"),
    [
        (ARCHIVES, "lighthouse", "a whole number"),
        (ARCHIVES, "1000.5", "a whole number"),
        (ARCHIVES, "\uff11\uff10", "a whole number"),
        (CHANGING, "-1", "a whole number"),
        (TABLES, "my-bakery", "a whole number"),
        (TABLES, "4" * 20, "a whole number"),
        (VIDEOS, "65fa6b07dca2e367461a292", "24 hexadecimal digits"),
        (VIDEOS, "65fa6b07dca2e367461a292g", "24 hexadecimal digits"),
    ],
)
def test_an_id_that_the_provider_cannot_have_is_refused_with_its_rule(
    member_api: ApiClient, cast: Cast, slug: str, remote_id: str, words: str
) -> None:
    body = {"credential_id": cast.credential(slug).pk, "remote_id": remote_id}
    [text] = problem_body(member_api.post("/projects", body), 422)["errors"]["remote_id"]
    assert f"names projects by {words}." in text
    assert PROVIDERS[slug].project_help in text
    assert not Project.objects.exists()


@pytest.mark.parametrize("given", [" 10 ", "010", 10, SAMPLES[CHANGING].pages[0].format("10")])
def test_an_id_has_one_spelling_however_it_is_given(member_api: ApiClient, key: int, given: str | int) -> None:
    assert member_api.post("/projects", {"credential_id": key, "remote_id": given}).json()["remote_id"] == "10"


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
        ({"provider": CHANGING}, "provider"),
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
