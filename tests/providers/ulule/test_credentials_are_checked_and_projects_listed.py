"""Testing a credential of Ulule, listing projects, and the advice before the button."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exports.providers.contract import RemoteProject
from exports.providers.paged_lists import IncompleteList
from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import PROJECT, TOKEN, error, job

ME = "GET /v1/me"
OWN = "GET /v1/users/9/projects"


@pytest.fixture(autouse=True)
def _account(stub: StubServer) -> None:
    stub.on(ME, Reply(body={"id": 9, "username": "ada", "email": "ada@example.org"}))
    stub.on(OWN, Reply(body={"projects": [{"id": 4001, "name": {"fr": "Jeu", "en": "Game"}}], "meta": {"next": None}}))


def test_an_api_key_is_tested_in_two_steps(stub: StubServer, client: Client, ulule: Ulule) -> None:
    steps = ulule.check(client)
    assert [(step.name, step.ok, step.detail) for step in steps] == [
        ("See whose it is", True, "ada"),
        ("List the projects", True, "1 found"),
    ]
    assert "ada@example.org" not in repr(steps)


def test_oauth_is_tested_from_its_refresh_token_on(stub: StubServer, oauth: Client, ulule: Ulule) -> None:
    oauth.token()
    assert [step.ok for step in ulule.check(oauth)] == [True, True, True]
    assert len(stub.requests_to(TOKEN)) == 2


def test_a_dead_refresh_token_fails_at_the_first_step(stub: StubServer, oauth: Client, ulule: Ulule) -> None:
    stub.on(TOKEN, Reply(400, {"error": "invalid_grant"}))
    (step,) = ulule.check(oauth)
    assert not step.ok
    assert "invalid_grant" in step.detail


@pytest.mark.parametrize(
    "reply", [Reply(401, error("PermissionError", "Bad credentials")), Reply(body={}), Reply(body=None), Reply(500)]
)
def test_a_credential_without_an_account_fails(stub: StubServer, client: Client, ulule: Ulule, reply: Reply) -> None:
    stub.on(ME, reply)
    (step,) = ulule.check(client)
    assert not step.ok
    assert step.detail


def test_a_list_that_cannot_be_read_fails_at_the_last_step(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(OWN, Reply(403, []))
    assert [step.ok for step in ulule.check(client)] == [True, False]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ({"fr": "Jeu", "en": "Game"}, "Game"),
        ({"fr": "Jeu"}, "Jeu"),
        ({"de": "Spiel"}, "Spiel"),
        ({"en": "", "it": "Gioco"}, "Gioco"),
        ("Plain", "Plain"),
        ({}, "5"),
        (None, "5"),
    ],
)
def test_a_name_is_read_in_any_language(stub: StubServer, client: Client, ulule: Ulule, name: Any, shown: str) -> None:
    stub.on(OWN, Reply(body={"projects": [{"id": 5, "name": name}]}))
    assert ulule.projects(client) == [RemoteProject("5", shown)]
    assert parse_qs(urlsplit(stub.requests_to(OWN)[0].path).query) == {"state": ["created"]}


def test_all_pages_of_projects_are_read_once_each(stub: StubServer, client: Client, ulule: Ulule) -> None:
    first = {"projects": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}], "meta": {"next": "?state=created&since=1"}}
    stub.on(OWN, Reply(body=first), Reply(body={"projects": [{"id": 2, "name": "b"}, {"id": 3, "name": "c"}]}))
    assert [one.id for one in ulule.projects(client)] == ["1", "2", "3"]


@pytest.mark.parametrize("meta", [{"total_count": 2, "next": None}, {"next": "?since=1"}])
def test_a_list_of_projects_that_is_not_complete_says_so(
    stub: StubServer, client: Client, ulule: Ulule, meta: dict[str, object]
) -> None:
    stub.on(OWN, Reply(body={"projects": [{"id": 5, "name": "a"}], "meta": meta}))
    assert isinstance(ulule.projects(client), IncompleteList)
    stub.on(OWN, Reply(body={"projects": [{"id": 5, "name": "a"}], "meta": {"total_count": 1, "next": None}}))
    assert not isinstance(ulule.projects(client), IncompleteList)


def test_an_answer_without_projects_is_unreadable(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(OWN, Reply(body={"projects": [{"name": "no id"}]}))
    with pytest.raises(UnreadableError):
        ulule.projects(client)


@pytest.mark.parametrize(("role", "good"), [("owner", True), ("fan", False), ("supporter", False), (None, False)])
def test_only_an_owner_gets_no_warning(
    stub: StubServer, client: Client, ulule: Ulule, role: str | None, good: bool
) -> None:
    stub.on(f"GET {PROJECT}", Reply(body={"id": 4001, "user_role": role}))
    advice = ulule.preflight(client, job())
    assert [one.ok for one in advice] == ([] if good else [False])
    assert stub.requests_to(f"GET {PROJECT}")[0].path.endswith("?extra_fields=user_role")


def test_a_missing_role_gives_no_warning(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(f"GET {PROJECT}", Reply(body={"id": 4001}))
    assert ulule.preflight(client, job()) == ()
