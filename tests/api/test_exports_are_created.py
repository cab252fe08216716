"""POST /projects/:id/exports creates an export, and names each invalid field."""

from typing import Any

import pytest

from exports.models import Change, Export, Project
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import KINDS, Cast
from tests.helpers.roles import CHANGING


@pytest.mark.parametrize(("provider", "type_", "format_", "options"), KINDS)
def test_every_kind_starts_as_waiting(
    member_api: ApiClient, cast: Cast, provider: str, type_: str, format_: str, options: dict[str, Any]
) -> None:
    project = cast.project(provider)
    body = {"type": type_, "format": format_, "options": options, "confirm": True}
    answer = member_api.post(f"/projects/{project.pk}/exports", body)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["status"], made["step"], made["trigger"]) == ("waiting", "submit", "api")
    assert (made["provider"], made["type"], made["format"], made["options"]) == (provider, type_, format_, options)
    assert Change.objects.get(export_id=made["id"]).source == "api"


def test_a_type_is_enough_where_everything_else_has_a_default(member_api: ApiClient, project: Project) -> None:
    assert member_api.post(f"/projects/{project.pk}/exports", {"type": "orders"}).json()["format"] == "csv"


def test_null_counts_as_omitted(member_api: ApiClient, project: Project) -> None:
    body = dict.fromkeys(("format", "options", "confirm", "adopt", "allow_twin")) | {"type": "orders"}
    assert member_api.post(f"/projects/{project.pk}/exports", body).status_code == 201


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"type"}),
        ({"type": ""}, {"type"}),
        ({"type": "video"}, {"type"}),
        ({"type": 1}, {"type"}),
        ({"type": None}, {"type"}),
        ({"type": "orders", "format": "pdf"}, {"format"}),
        ({"type": "orders", "format": ""}, {"format"}),
        ({"type": "orders", "format": ["csv"]}, {"format"}),
        ({"type": "orders", "options": []}, {"options"}),
        ({"type": "orders", "options": "columns"}, {"options"}),
        ({"type": "orders", "options": {"rows": 1}}, {"options.rows"}),
        ({"type": "orders", "options": {"columns": ["order.id"]}}, {"options.columns"}),
        ({"type": "orders", "options": {"columns": {"order.id": 1}}}, {"options.columns"}),
        ({"type": "orders", "format": "pdf", "options": {"rows": 1}}, {"format", "options.rows"}),
        ({"type": "orders", "confirm": "true"}, {"confirm"}),
        ({"type": "orders", "allow_twin": 1}, {"allow_twin"}),
        ({"type": "orders", "adopt": ""}, {"adopt"}),
        ({"type": "orders", "adopt": "a/b"}, {"adopt"}),
        ({"type": "orders", "adopt": True}, {"adopt"}),
        ({"type": "orders", "adopt": "9" * 201}, {"adopt"}),
        ({"type": "orders", "typ": "orders", "when": "now"}, {"typ", "when"}),
    ],
)
def test_invalid_values_are_422_with_an_error_per_field(
    member_api: ApiClient, project: Project, body: Any, fields: set[str]
) -> None:
    answer = problem_body(member_api.post(f"/projects/{project.pk}/exports", body), 422)
    assert set(answer["errors"]) == fields
    assert all(text.endswith(".") for texts in answer["errors"].values() for text in texts)
    assert not Export.objects.exists()


@pytest.mark.parametrize("depth", [100, 300, 500, 900])
@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}])
def test_deeply_nested_options_are_refused(
    member_api: ApiClient, project: Project, depth: int, headers: dict[str, str]
) -> None:
    tower = b'{"type": "orders", "options": {"columns": ' + b"[" * depth + b"]" * depth + b"}}"
    problem_body(member_api.post(f"/projects/{project.pk}/exports", tower, **headers), 422)


def test_an_unknown_field_is_refused_and_the_known_ones_are_named(member_api: ApiClient, project: Project) -> None:
    answer = problem_body(member_api.post(f"/projects/{project.pk}/exports", {"type": "orders", "typ": 1}), 422)
    assert "type, format, options, confirm, adopt, allow_twin" in answer["errors"]["typ"][0]


def test_a_kind_that_changes_the_project_requires_confirmation(member_api: ApiClient, cast: Cast) -> None:
    path = f"/projects/{cast.project(CHANGING).pk}/exports"
    for body in ({"type": "archive"}, {"type": "archive", "confirm": False}):
        assert set(problem_body(member_api.post(path, body), 422)["errors"]) == {"confirm"}
    assert member_api.post(path, {"type": "archive", "confirm": True}).status_code == 201


def test_a_duplicate_is_409_and_names_the_open_export(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    first = member_api.post(path, {"type": "orders"}).json()
    assert problem_body(member_api.post(path, {"type": "orders"}), 409)["export_id"] == first["id"]
    assert member_api.post(path, {"type": "orders", "format": "xlsx"}).status_code == 201
    second = member_api.post(path, {"type": "orders", "allow_twin": True})
    assert second.status_code == 201
    assert second.json()["id"] != first["id"]


@pytest.mark.parametrize("job", ["77", 77])
def test_a_job_that_runs_already_can_be_adopted(member_api: ApiClient, project: Project, job: str | int) -> None:
    made = member_api.post(f"/projects/{project.pk}/exports", {"type": "orders", "adopt": job}).json()
    assert (made["remote_id"], made["step"], made["trigger"]) == ("77", "poll", "adopt")


def test_the_same_idempotency_key_returns_the_same_export(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    first, again = (member_api.post(path, {"type": "orders"}, Idempotency_Key="monday") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["id"] == again.json()["id"]
    assert Export.objects.count() == 1


def test_an_idempotency_key_belongs_to_one_request_of_one_member(
    member_api: ApiClient, cast: Cast, project: Project
) -> None:
    path = f"/projects/{project.pk}/exports"
    member_api.post(path, {"type": "orders"}, Idempotency_Key="monday")
    problem_body(member_api.post(path, {"type": "orders", "format": "xlsx"}, Idempotency_Key="monday"), 409)
    other = ApiClient(cast.owner).post(path, {"type": "orders", "format": "xlsx"}, Idempotency_Key="monday")
    assert other.status_code == 201


def test_a_refused_request_does_not_use_up_its_idempotency_key(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    problem_body(member_api.post(path, {"type": "video"}, Idempotency_Key="monday"), 422)
    assert member_api.post(path, {"type": "orders"}, Idempotency_Key="monday").status_code == 201


def test_an_idempotency_key_has_a_bounded_length(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    for key in ("", "k" * 256, "a\x01b"):
        assert (
            "Idempotency-Key"
            in problem_body(member_api.post(path, {"type": "orders"}, Idempotency_Key=key), 422)["errors"]
        )
    assert member_api.post(path, {"type": "orders"}, Idempotency_Key="k" * 255).status_code == 201
