"""What a token may do is in the headers of GET /user; organizations are listed where the account owns them."""

from typing import Any

import pytest

from exports.providers.contract import RemoteProject
from exports.providers.github import GitHub
from exports.providers.github.options import ArchiveOptions
from exports.providers.paged_lists import IncompleteList
from exports.providers.project_ids import clean_project_id
from exports.transport.client import Client
from exports.transport.errors import NotFoundError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import REPOS, job, refusal, repositories

USER = "GET /user"
MEMBERSHIPS = "GET /user/memberships/orgs"
OWN = RemoteProject("user", "Own account")


def check(stub: StubServer, client: Client, status: int = 200, body: Any = None, **headers: str) -> tuple[bool, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    stub.on(USER, Reply(status, body or {"login": "somebody", "id": 1}, named))
    step = GitHub().check(client)[0]
    return step.ok, step.detail


def test_a_classic_token_with_both_scopes_is_good(stub: StubServer, client: Client) -> None:
    assert check(stub, client, X_OAuth_Scopes="admin:org, repo") == (True, "somebody; scopes admin:org, repo")


def test_a_token_without_repo_is_not(stub: StubServer, client: Client) -> None:
    assert check(stub, client, X_OAuth_Scopes="public_repo") == (
        False,
        "The token lacks the scope repo; it has: public_repo.",
    )


@pytest.mark.parametrize(("scopes", "part"), [("repo", "without admin:org"), (None, "no classic token")])
def test_what_a_token_cannot_do_is_said(stub: StubServer, client: Client, scopes: str | None, part: str) -> None:
    headers: dict[str, Any] = {"X_OAuth_Scopes": scopes} if scopes else {}
    ok, detail = check(stub, client, **headers)
    assert ok
    assert part in detail


def test_a_refused_token_fails_the_check(stub: StubServer, client: Client) -> None:
    ok, detail = check(stub, client, 401, refusal("Bad credentials"))
    assert not ok
    assert "Bad credentials" in detail


def test_the_limit_is_learned_from_the_answer(stub: StubServer, client: Client) -> None:
    stub.on(USER, Reply(body={"login": "a"}, headers={"X-OAuth-Scopes": "repo", "X-RateLimit-Limit": "15000"}))
    assert GitHub().check(client)[0].limits == {"normal": 15000}


def test_only_owned_organizations_are_listed(stub: StubServer, client: Client) -> None:
    rows = [
        {"state": "active", "role": role, "organization": {"login": login}}
        for role, login in (("admin", "acme"), ("member", "elsewhere"), ("admin", ""))
    ]
    stub.on(MEMBERSHIPS, Reply(body=rows))
    assert list(GitHub().projects(client)) == [OWN, RemoteProject("orgs/acme", "acme")]


def test_a_token_that_may_not_list_organizations_still_has_its_own_account(stub: StubServer, client: Client) -> None:
    stub.on(MEMBERSHIPS, Reply(403, refusal("Resource not accessible by personal access token")))
    listed = GitHub().projects(client)
    assert isinstance(listed, IncompleteList)
    assert listed == [OWN]


@pytest.mark.parametrize(
    ("typed", "id_"),
    [("orgs/acme", "orgs/acme"), ("user", "user"), ("https://github.com/orgs/acme/repositories", "orgs/acme")],
)
def test_owners_are_named_as_in_githubs_paths(typed: str, id_: str) -> None:
    provider = GitHub()
    named = {"label": provider.label, "help_": provider.project_help, "address_pattern": provider.project_pattern}
    assert clean_project_id(typed, provider.project_id, **named) == id_
    with pytest.raises(ValueError, match="orgs/"):
        clean_project_id("acme", provider.project_id, **named)


def test_an_organization_is_kept_as_github_spells_it(stub: StubServer, client: Client) -> None:
    stub.on("GET /orgs/ACME", Reply(body={"login": "acme", "name": "Acme Ltd"}), Reply(404, refusal("Not Found")))
    assert GitHub().resolve_project(client, "orgs/ACME") == RemoteProject("orgs/acme", "Acme Ltd")
    with pytest.raises(NotFoundError):
        GitHub().resolve_project(client, "orgs/ACME")
    assert GitHub().resolve_project(client, "user") == RemoteProject("user", "")
    assert len(stub.requests) == 2


def test_more_repositories_than_github_handles_well_are_told_before(stub: StubServer, client: Client) -> None:
    many = [f"acme/service-{number:03}" for number in range(101)]
    stub.on(REPOS, repositories(*many))
    advice = GitHub().preflight(client, job(baseline={}))
    assert [one.ok for one in advice] == [True]
    assert advice[0].message.startswith("101 repositories")
    stub.on(REPOS, repositories(*many[:100]))
    assert list(GitHub().preflight(client, job(baseline={}))) == []


def test_repositories_can_be_picked(stub: StubServer, client: Client) -> None:
    stub.on(REPOS, repositories("acme/website", "acme/api"))
    assert GitHub().choices(client, "orgs/acme", "repositories") == [
        ("acme/api", "acme/api"),
        ("acme/website", "acme/website"),
    ]


@pytest.mark.parametrize("part", ["", "1/1", "3/3", "100/100"])
def test_a_part_is_one_of_so_many(part: str) -> None:
    assert ArchiveOptions({"part": part}).is_valid()


@pytest.mark.parametrize("part", ["4/3", "0/2", "1/101", "2", "a/b", "1/2/3", "-1/2"])
def test_what_is_no_part_is_an_error(part: str) -> None:
    assert "like 2/3" in str(ArchiveOptions({"part": part}).errors)
