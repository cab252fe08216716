"""A project may be named by number, path or page; its number is kept, and lists are read page by page."""

import pytest

from exports.providers.gitlab import GitLab
from exports.providers.paged_lists import IncompleteList
from exports.providers.project_ids import clean_project_id
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.gitlab.conftest import shown

LIST = "GET /api/v4/projects"


@pytest.mark.parametrize(
    ("given", "id_"),
    [
        ("5", "5"),
        ("gitlab-org/gitlab-test", "gitlab-org/gitlab-test"),
        ("https://gitlab.com/gitlab-org/gitlab-test", "gitlab-org/gitlab-test"),
        ("https://gitlab.example/a/b/c/-/tree/main?ref=x", "a/b/c"),
        ("https://gitlab.com/gitlab-org/gitlab-test/", "gitlab-org/gitlab-test"),
    ],
)
def test_an_id_is_read_from_what_people_have(gitlab: GitLab, given: str, id_: str) -> None:
    cleaned = clean_project_id(given, gitlab.project_id, label="GitLab", address_pattern=gitlab.project_pattern)
    assert cleaned == id_


@pytest.mark.parametrize("given", ["gitlab-test", "0", "../x", "a/../b", "https://gitlab.com/", "a b/c"])
def test_what_is_no_project_is_refused(gitlab: GitLab, given: str) -> None:
    with pytest.raises(ValueError, match=r"id|address"):
        clean_project_id(given, gitlab.project_id, label="GitLab", address_pattern=gitlab.project_pattern)


def test_a_path_is_kept_as_its_number(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(f"{LIST}/gitlab-org%2Fgitlab-test", shown("none"))
    found = gitlab.resolve_project(client, "gitlab-org/gitlab-test")
    assert (found.id, found.name) == ("5", "gitlab-org/gitlab-test")


def test_a_number_is_not_asked_for(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    assert gitlab.resolve_project(client, "5").id == "5"
    assert stub.requests == []


def test_a_path_that_is_not_there_is_not_found(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    with pytest.raises(NotFoundError):
        gitlab.resolve_project(client, "gitlab-org/gone")


def test_pages_are_read_to_the_last(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    rows = [{"id": number, "path_with_namespace": f"a/p{number}"} for number in (1, 2, 3)]
    stub.on(LIST, Reply(body=rows[:2], headers={"X-Next-Page": "2"}), Reply(body=rows[2:], headers={"X-Next-Page": ""}))
    found = gitlab.projects(client)
    assert [(one.id, one.name) for one in found] == [("1", "a/p1"), ("2", "a/p2"), ("3", "a/p3")]
    assert not isinstance(found, IncompleteList)
    assert "page=2" in stub.requests_to(LIST)[1].path
    assert "min_access_level=40" in stub.requests_to(LIST)[0].path


@pytest.mark.parametrize("body", [None, {}, [{"name": "x"}], [1]])
def test_a_list_of_another_shape_is_unreadable(stub: StubServer, client: Client, gitlab: GitLab, body: object) -> None:
    stub.on(LIST, Reply(body=body))
    with pytest.raises(UnreadableError):
        gitlab.projects(client)


def test_the_credential_is_tested_in_steps(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on("GET /api/v4/user", Reply(body={"id": 1, "username": "root"}))
    stub.on(LIST, Reply(body=[{"id": 1, "path_with_namespace": "a/b"}]))
    steps = gitlab.check(client)
    assert [(step.name, step.ok, step.detail) for step in steps] == [
        ("See whose it is", True, "root"),
        ("List the projects", True, "1 found"),
    ]
    stub.on("GET /api/v4/user", Reply(401, {"message": "401 Unauthorized"}))
    assert [step.ok for step in gitlab.check(client)] == [False]
