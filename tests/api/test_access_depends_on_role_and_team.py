"""Every operation of the API is called by every role, with both scopes, and from another team."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from exports.api.urls import api as the_api
from exports.models import Export, Member
from exports.models.token import READ, WRITE
from exports.notify import webhook_rules
from tests.api.conftest import ApiClient, problem_body
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.schedules import make_schedule
from tests.helpers.webhooks import make_webhook

# What each address needs of a role beyond looking; a new address must be added here.
NEEDS = {
    "me": "look",
    "get_team": "look",
    "change_team": "hold",
    "list_providers": "look",
    "list_credentials": "look",
    "create_credential": "hold",
    "get_credential": "look",
    "change_credential": "hold",
    "remove_credential": "hold",
    "check_credential": "export",
    "discover": "export",
    "list_coverage": "look",
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
    "compare_export": "look",
    "delete_export_file": "export",
    "pin_export": "export",
    "unpin_export": "export",
    "get_retention": "look",
    "set_retention": "hold",
    "preview_retention": "look",
    "get_project_retention": "look",
    "set_project_retention": "hold",
    "list_alerts": "look",
    "create_alert": "hold",
    "get_alert": "look",
    "change_alert": "hold",
    "delete_alert": "hold",
    "test_alert": "hold",
    "list_schedules": "look",
    "list_schedules_of_project": "look",
    "get_schedule": "look",
    "create_schedule": "export",
    "change_schedule": "export",
    "delete_schedule": "export",
    "run_schedule": "export",
    "list_webhooks": "look",
    "get_webhook": "look",
    "create_webhook": "hold",
    "change_webhook": "hold",
    "delete_webhook": "hold",
    "rotate_webhook_secret": "hold",
    "test_webhook": "hold",
    "list_deliveries": "look",
    "redeliver": "hold",
}
WRITES = ("POST", "PATCH", "PUT")
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
def path_of(cast: Cast, export: Export, member: Member) -> Callable[[str], str]:
    """path_of(path) is the path with the ids of the team's objects."""
    webhook, _secret = make_webhook(cast, "https://example.org/")
    ids = {
        "export_id": export.pk,
        "project_id": export.project_id,
        "credential_id": export.project.credential_id,
        "alert_id": factories.alert(cast).pk,
        "schedule_id": make_schedule(export.project, member).pk,
        "webhook_id": webhook.pk,
        "delivery_id": webhook_rules.send_test(webhook, cast.owner.user).pk,
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
    # Deleting comes last: the others need the objects.
    for name, method, path in sorted(operations(), key=lambda operation: operation[1] == "DELETE"):
        allowed = NEEDS[name] in MAY[role] and (method == "GET" or scope == WRITE)
        # A body that is never right: nothing happens, and nobody is called.
        answer = caller.call(method, path_of(path), b"[]" if method in WRITES else None)
        if not allowed:
            problem_body(answer, 403)
        elif method in WRITES:
            problem_body(answer, 422)
        elif name in ("archive_project", "remove_credential", "compare_export"):
            problem_body(answer, 409)  # its export is open, its project is live, it has no file
        elif name in ("delete_schedule", "delete_webhook"):
            assert answer.status_code == 204
        elif name in ("export_file", "delete_export_file"):
            problem_body(answer, 404)
        elif name == "delete_alert":
            assert answer.status_code == 204
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
