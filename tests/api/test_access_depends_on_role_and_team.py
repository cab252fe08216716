"""Every operation of the API is called by every role, with both scopes, and from another team."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from exports.api.urls import api as the_api
from exports.models import Export, Member
from exports.models.token import READ, WRITE
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.cast import Cast

# What each address needs of a role beyond looking; a new address must be added here.
NEEDS = {
    "me": "look",
    "list_providers": "look",
    "list_credentials": "look",
    "create_credential": "hold",
    "check_credential": "export",
    "list_remote_projects": "export",
    "list_projects": "look",
    "create_project": "export",
    "get_project": "look",
    "change_project": "export",
    "archive_project": "export",
    "create_export": "export",
    "list_exports_of_project": "look",
    "list_exports": "look",
    "get_export": "look",
    "cancel_export": "export",
    "retry_export": "export",
    "adopt_export": "export",
    "fetch_export_again": "export",
    "get_history": "look",
    "get_calls": "look",
    "export_file": "look",
}
MAY = {"owner": {"look", "export", "hold"}, "member": {"look", "export"}, "viewer": {"look"}}


def operations() -> list[tuple[str, str, str]]:
    """(name, method, path) of every operation."""
    paths: dict[str, Any] = the_api.get_openapi_schema()["paths"]
    return [
        (operation["operationId"], method.upper(), path.removeprefix("/api/v1"))
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]


@pytest.fixture
def path_of(export: Export) -> Callable[[str], str]:
    """path_of(path) is the path with the ids of the team's objects."""
    ids = {
        "export_id": export.pk,
        "project_id": export.project_id,
        "credential_id": export.project.credential_id,
    }
    return lambda path: re.sub(r"{(\w+)}", lambda match: str(ids[match[1]]), path)


def test_every_operation_has_an_entry_in_the_table() -> None:
    assert {name for name, _, _ in operations()} == set(NEEDS)


@pytest.mark.parametrize("scope", [READ, WRITE])
@pytest.mark.parametrize("role", ["owner", "member", "viewer"])
def test_roles_and_scopes_allow_exactly_what_the_table_says(
    cast: Cast, path_of: Callable[[str], str], role: str, scope: str
) -> None:
    caller = ApiClient(getattr(cast, role), scope)
    for name, method, path in operations():
        allowed = NEEDS[name] in MAY[role] and (method == "GET" or scope == WRITE)
        # A body that is never right: nothing happens, and nobody is called.
        answer = caller.call(method, path_of(path), b"[]" if method in ("POST", "PATCH") else None)
        if not allowed:
            problem_body(answer, 403)
        elif method in ("POST", "PATCH"):
            problem_body(answer, 422)
        elif name == "archive_project":
            problem_body(answer, 409)  # its export is open
        elif name == "export_file":
            problem_body(answer, 404)
        elif name != "list_remote_projects":
            assert answer.status_code == 200, (name, answer.content)


@pytest.mark.parametrize("body", [b"", b"[]", b"nonsense"])
def test_another_teams_objects_are_404_whatever_is_sent(
    outsider: Member, path_of: Callable[[str], str], body: bytes
) -> None:
    stranger = ApiClient(outsider)
    for _, method, path in operations():
        if "{" in path:
            problem_body(stranger.call(method, path_of(path), body if method == "POST" else None), 404)


def test_lists_hold_nothing_of_another_team(outsider: Member, export: Export) -> None:
    stranger = ApiClient(outsider)
    assert stranger.get("/exports").json()["exports"] == []
    assert stranger.get(f"/exports?project_id={export.project_id}").json()["exports"] == []
    assert stranger.get("/projects").json()["projects"] == []
    assert stranger.get("/credentials").json()["credentials"] == []


def test_another_teams_credential_holds_no_project(outsider: Member, export: Export) -> None:
    body = {"credential_id": export.project.credential_id, "remote_id": "1"}
    problem_body(ApiClient(outsider).post("/projects", body), 404)


def test_without_a_token_every_address_is_401(path_of: Callable[[str], str]) -> None:
    for _, method, path in operations():
        problem_body(ApiClient(None).call(method, path_of(path)), 401)


def test_someone_in_two_teams_sees_the_team_of_the_token(cast: Cast, export: Export) -> None:
    there = Member.objects.create(team=cast.other_team, user=cast.member.user, role="owner")
    problem_body(ApiClient(there).get(f"/exports/{export.pk}"), 404)
    assert ApiClient(cast.member).get(f"/exports/{export.pk}").status_code == 200
