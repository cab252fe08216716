"""Testing a credential of AI Studios, and listing projects and workspaces."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.contract import CheckStep, RemoteProject
from exports.transport.client import Client
from exports.transport.errors import UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import API, TOKEN, bad, good

AUTH = f"GET {API}/auth"
PROJECTS = f"GET {API}/editor/project"
WORKSPACES = f"GET {API}/dropdown/workspaces"


@pytest.mark.parametrize("reply", [good({"isAuthenticated": True}), Reply(body={"isAuthenticated": True})])
def test_a_good_credential_passes_both_steps(stub: StubServer, client: Client, reply: Reply) -> None:
    stub.on(AUTH, reply)
    assert AIStudios().check(client) == [CheckStep("Fetch a token", True), CheckStep("Use the token", True)]
    assert stub.requests_to(AUTH)[0].headers["Authorization"] == "a.b.c"


def test_the_pair_is_tested_even_when_a_token_is_cached(stub: StubServer, client: Client) -> None:
    stub.on(AUTH, good({"isAuthenticated": True}))
    client.token()
    AIStudios().check(client)
    assert len(stub.requests_to(TOKEN)) == 2


def test_a_wrong_pair_fails_at_the_first_step(stub: StubServer, client: Client) -> None:
    stub.on(TOKEN, bad(401, "Invalid appId or userKey", 401))
    (step,) = AIStudios().check(client)
    assert (step.name, step.ok) == ("Fetch a token", False)
    assert "Invalid appId or userKey" in step.detail


@pytest.mark.parametrize(
    "reply",
    [
        good({"isAuthenticated": False}),
        Reply(body={"success": True, "isAuthenticated": False}),
        good({}),
        good({"isAuthenticated": "true"}),
        bad(401, "Unauthorized", 401),
        Reply(500),
    ],
)
def test_a_refused_token_fails_at_the_second_step(stub: StubServer, client: Client, reply: Reply) -> None:
    stub.on(AUTH, reply)
    steps = AIStudios().check(client)
    assert [step.ok for step in steps] == [True, False]
    assert steps[1].detail


ROWS = [{"id": "p1", "name": "One", "state": "exported"}, {"id": "p2", "name": ""}, {"name": "no id"}]


@pytest.mark.parametrize(
    "reply",
    [good(ROWS), good({"projects": ROWS}), good({"items": ROWS, "count": 2}), Reply(body=ROWS)],
)
def test_projects_are_read_bare_or_wrapped(stub: StubServer, client: Client, reply: Reply) -> None:
    stub.on(PROJECTS, reply)
    assert AIStudios().projects(client) == [RemoteProject("p1", "One", "exported"), RemoteProject("p2", "p2")]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"workspaces": rows}])
def test_workspaces_can_be_picked(stub: StubServer, client: Client, wrap: Any) -> None:
    stub.on(WORKSPACES, good(wrap([{"workspaceId": "w1", "workspaceName": "Team"}, {"workspaceId": 7}])))
    assert AIStudios().choices(client, "any", "workspace_id") == [("w1", "Team"), ("7", "7")]


@pytest.mark.parametrize("data", [None, {}, "no", {"a": [], "b": []}, [1]])
def test_an_answer_without_a_list_is_unreadable(stub: StubServer, client: Client, data: Any) -> None:
    stub.on(PROJECTS, good(data))
    with pytest.raises(UnreadableError):
        AIStudios().projects(client)


def test_the_help_says_which_projects_are_listed() -> None:
    assert "exported before" in AIStudios.project_help
    assert AIStudios.lists_projects
