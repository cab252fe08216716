"""Before the request the repositories are listed; the request names each of them, and the options that are set."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Ready
from exports.providers.github import GitHub
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, RefusedError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import MIGRATIONS, NAMES, REPOS, job, migration, repositories

TOKEN = {"token": "ghp_abcdefghijklmnopqrstuvwxyz"}


def prepare(stub: StubServer, client: Client, *pages: Reply, **options: Any) -> Ready:
    stub.on(REPOS, *pages)
    stub.on(f"GET {MIGRATIONS}", Reply(body=[migration(79), migration(17)]))
    ready = GitHub().prepare(client, job(options=options, baseline={}))
    assert isinstance(ready, Ready)
    return ready


def test_the_baseline_has_every_repository_of_all_pages_and_the_latest_migration(
    stub: StubServer, client: Client
) -> None:
    many = [f"acme/service-{number:03}" for number in range(236)]
    pages = repositories(*many[:100], following=True), repositories(*many[100:200], following=True)
    ready = prepare(stub, client, *pages, repositories(*many[200:]))
    assert ready.baseline == {"last": 79, "repositories": many}
    assert [one.path.partition("?")[2] for one in stub.requests_to(REPOS)] == [
        f"per_page=100&page={number}" for number in (1, 2, 3)
    ]
    assert stub.requests_to(f"GET {MIGRATIONS}")[0].path.endswith("?exclude=repositories&per_page=100&page=1")


def test_chosen_repositories_are_found_by_either_name_in_any_case(stub: StubServer, client: Client) -> None:
    ready = prepare(stub, client, repositories(*NAMES, "acme/handbook"), repositories=["API", "acme/Website"])
    assert ready.baseline["repositories"] == NAMES


def test_a_repository_that_is_gone_is_named(stub: StubServer, client: Client) -> None:
    with pytest.raises(NotFoundError, match="no repository old, or the token"):
        prepare(stub, client, repositories(*NAMES), repositories=["api", "old"])


def test_an_owner_without_repositories_is_refused_before_the_request(stub: StubServer, client: Client) -> None:
    with pytest.raises(RefusedError) as caught:
        prepare(stub, client, repositories())
    assert caught.value.code == "precondition"


def test_all_parts_together_are_everything_and_no_repository_is_in_two(stub: StubServer, client: Client) -> None:
    many = [f"acme/service-{number:03}" for number in range(90)]
    parts = [prepare(stub, client, repositories(*many), part=f"{n}/3").baseline["repositories"] for n in (1, 2, 3)]
    assert sorted(name for part in parts for name in part) == many
    assert all(15 < len(part) < 45 for part in parts)


def test_a_repository_stays_in_its_part_when_others_come(stub: StubServer, client: Client) -> None:
    many = [f"acme/service-{number:03}" for number in range(90)]
    before = set(prepare(stub, client, repositories(*many[:45]), part="2/3").baseline["repositories"])
    assert before < set(prepare(stub, client, repositories(*many), part="2/3").baseline["repositories"])


def test_the_own_account_lists_what_it_owns(stub: StubServer, client: Client) -> None:
    stub.on("GET /user/repos", repositories("somebody/notes"))
    stub.on("GET /user/migrations", Reply(body=[]))
    ready = GitHub().prepare(client, job(project="user", baseline={}))
    assert ready == Ready({"last": 0, "repositories": ["somebody/notes"]})
    assert "affiliation=owner" in stub.requests_to("GET /user/repos")[0].path


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({}, set()),
        ({"content": "git"}, {"exclude_metadata"}),
        ({"content": "metadata"}, {"exclude_git_data", "exclude_owner_projects"}),
        ({"exclude_releases": True, "exclude_attachments": False}, {"exclude_releases"}),
    ],
)
def test_the_request_names_repositories_and_options(
    stub: StubServer, client: Client, options: dict[str, Any], flags: set[str]
) -> None:
    stub.on(f"POST {MIGRATIONS}", Reply(201, migration(79)))
    accepted = GitHub().submit(client, job(options=options))
    sent = stub.requests_to(f"POST {MIGRATIONS}")[0]
    assert sent.json == {"repositories": NAMES, **dict.fromkeys(flags, True)}
    assert sent.headers["Authorization"] == "Bearer ghp_abcdefghijklmnopqrstuvwxyz"
    assert sent.headers["Accept"] == "application/vnd.github+json"
    assert (accepted.remote_id, accepted.status.state, accepted.status.provider_status) == ("79", "running", "pending")


def test_enterprise_server_is_asked_below_its_prefix(
    stub: StubServer, connect: Callable[..., Client], github: GitHub
) -> None:
    stub.on(f"POST /api/v3{MIGRATIONS}", Reply(201, migration(79)))
    assert github.submit(connect(github, TOKEN, path="/api/v3"), job()).remote_id == "79"


@pytest.mark.parametrize("body", [{}, [], None, {"id": True, "state": "pending"}])
def test_an_acceptance_that_names_no_migration_is_unreadable(stub: StubServer, client: Client, body: Any) -> None:
    stub.on(f"POST {MIGRATIONS}", Reply(201, body))
    with pytest.raises(UnreadableError):
        GitHub().submit(client, job())


def test_an_acceptance_for_another_owner_is_no_acceptance(stub: StubServer, client: Client) -> None:
    stub.on(f"POST {MIGRATIONS}", Reply(201, migration(79, owner={"login": "elsewhere"})))
    with pytest.raises(UnreadableError) as caught:
        GitHub().submit(client, job())
    assert caught.value.final


@pytest.mark.parametrize("project", ["orgs/..", "orgs/a/b", "../user", "orgs/", "acme", "user/x"])
def test_what_is_no_owner_is_in_no_path(stub: StubServer, client: Client, project: str) -> None:
    with pytest.raises(NotFoundError):
        GitHub().prepare(client, job(project=project, baseline={}))
    assert stub.requests == []
