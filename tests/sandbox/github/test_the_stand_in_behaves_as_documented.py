"""The stand-in of GitHub: migrations are started, read, listed, downloaded, deleted and refused as documented."""

import io
import tarfile
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.github.conftest import ACME, GitHubClient
from tests.sandbox.provider_clients import TIMEOUT_SECONDS


def test_a_migration_begins_pending_and_names_its_repositories(github: GitHubClient, sandbox: Sandbox) -> None:
    sandbox.settings(time_scale=100)
    answer = github.call("POST", ACME, json={"repositories": ["website", "acme/api"], "exclude_releases": True})
    made = answer.json()
    assert (answer.status_code, made["state"], made["owner"]["login"]) == (201, "pending", "acme")
    assert [row["full_name"] for row in made["repositories"]] == ["acme/api", "acme/website"]
    assert (made["exclude_releases"], made["lock_repositories"]) == (True, False)
    assert "repositories" not in github.call("GET", f"{ACME}/{made['id']}?exclude=repositories").json()
    assert github.archive(made["id"]).status_code == 404


@pytest.mark.parametrize("repositories", [None, [], "acme/website", [7], ["acme/gone"], ["acme/website", "other/api"]])
def test_a_wrong_request_is_answered_422_and_makes_nothing(
    github: GitHubClient, sandbox: Sandbox, repositories: Any
) -> None:
    answer = github.call("POST", ACME, json={"repositories": repositories})
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")
    assert answer.json()["errors"][0]["field"] == "repositories"
    assert sandbox.jobs("github", "orgs/acme") == 0


def test_the_archive_is_behind_a_redirect_to_a_store_outside_the_api(github: GitHubClient, sandbox: Sandbox) -> None:
    answer = github.archive(github.exported(ACME, "acme/website", "acme/api"))
    link = answer.headers["Location"]
    assert answer.status_code == 302
    assert not link.startswith(github.origin)
    file = requests.get(link, timeout=TIMEOUT_SECONDS)
    assert (file.headers["Content-Type"], file.headers["Accept-Ranges"]) == ("application/x-gzip", "bytes")
    with tarfile.open(fileobj=io.BytesIO(file.content)) as archive:
        names = archive.getnames()
    assert {"schema.json", "repositories/acme/website.git/HEAD", "repositories/acme/api.git/HEAD"} < set(names)
    assert sandbox.ledger()["credential_leaks"] == []


@pytest.mark.parametrize(("flag", "gone"), [("exclude_git_data", "repositories/"), ("exclude_metadata", "issues_")])
def test_what_is_excluded_is_not_in_the_archive(github: GitHubClient, flag: str, gone: str) -> None:
    link = github.archive(github.exported(ACME, **{flag: True})).headers["Location"]
    with tarfile.open(fileobj=io.BytesIO(requests.get(link, timeout=TIMEOUT_SECONDS).content)) as archive:
        assert not [name for name in archive.getnames() if name.startswith(gone)]


def test_a_token_in_the_store_is_a_leak(github: GitHubClient, sandbox: Sandbox) -> None:
    link = github.archive(github.exported()).headers["Location"]
    requests.get(link, headers=github.headers, timeout=TIMEOUT_SECONDS)
    assert [leak["carried"] for leak in sandbox.ledger()["credential_leaks"]] == [["Authorization"]]


def test_a_deleted_archive_is_gone_and_its_migration_stays_exported(github: GitHubClient) -> None:
    id_ = github.exported()
    assert github.call("DELETE", f"{ACME}/{id_}/archive").status_code == 204
    assert [github.archive(id_).status_code, github.call("DELETE", f"{ACME}/{id_}/archive").status_code] == [404, 404]
    assert github.call("GET", f"{ACME}/{id_}").json()["state"] == "exported"


def test_an_archive_of_a_week_ago_is_gone(github: GitHubClient, sandbox: Sandbox) -> None:
    id_ = github.exported()
    with sandbox.state.lock:
        sandbox.state.jobs.of_project("github", "orgs/acme")[-1].made_at -= 7 * 86_400
    assert github.archive(id_).status_code == 404


def test_a_link_lives_five_minutes_and_the_next_one_is_another(github: GitHubClient, sandbox: Sandbox) -> None:
    id_ = github.exported()
    first = github.archive(id_).headers["Location"]
    assert github.archive(id_).headers["Location"] == first
    with sandbox.state.lock:
        sandbox.state.jobs.find_link(first.split("/")[-2]).made_at -= 301
    second = github.archive(id_).headers["Location"]
    assert second != first
    assert [requests.get(link, timeout=TIMEOUT_SECONDS).status_code for link in (first, second)] == [403, 200]


def test_lists_come_in_pages_that_name_the_next(github: GitHubClient) -> None:
    names: list[str] = []
    path = "/orgs/many/repos?per_page=100"
    for _ in range(3):
        answer = github.call("GET", path)
        names += [row["name"] for row in answer.json()]
        path = answer.links["next"]["url"].removeprefix(github.origin) if "next" in answer.links else ""
    assert (len(set(names)), path) == (236, "")
    assert len(github.call("GET", "/orgs/many/repos").json()) == 30


def test_migrations_are_listed_newest_first_with_imports_among_them(github: GitHubClient) -> None:
    ids = [github.start() for _ in range(2)]
    rows = github.call("GET", ACME).json()
    assert [row["id"] for row in rows] == [*ids[::-1], 17]
    assert "repositories" in rows[0]
    assert "repositories" not in rows[-1]
    assert github.call("GET", f"{ACME}/17/repositories").status_code == 404


def test_a_migration_of_another_owner_is_not_found(github: GitHubClient) -> None:
    id_ = github.start()
    for path in ("/user/migrations", "/orgs/many/migrations"):
        assert github.call("GET", f"{path}/{id_}").status_code == 404


def test_the_own_account_has_migrations_too(github: GitHubClient, sandbox: Sandbox) -> None:
    github.exported("/user/migrations", "stand-in-owner/notes")
    assert sandbox.jobs("github", "user") == 1


def test_locked_repositories_are_unlocked_one_by_one(github: GitHubClient) -> None:
    id_ = github.start(lock_repositories=True)
    unlock = f"{ACME}/{id_}/repos/website/lock"
    assert [github.call("DELETE", unlock).status_code for _ in range(2)] == [204, 404]


def test_enterprise_server_has_the_same_below_its_prefix(sandbox: Sandbox) -> None:
    enterprise = GitHubClient(sandbox, prefix="/api/v3")
    link = enterprise.archive(enterprise.exported()).headers["Location"]
    assert requests.get(link, timeout=TIMEOUT_SECONDS).status_code == 200
    following = enterprise.call("GET", "/orgs/many/repos").links["next"]["url"]
    assert following.startswith(f"{enterprise.origin}/orgs/many/repos?")
