"""GitLab gives no id to an export: the project's state before the request and after it tell whether there is one."""

from typing import Any

import pytest

from exports.providers.contract import Absent, Accepted, NotYet, Ready, Unknown
from exports.providers.gitlab import GitLab
from exports.transport.client import Client
from exports.transport.errors import CredentialError, RefusedError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.gitlab.conftest import ACCEPTED, EXPORT, job, shown

GET, POST = f"GET {EXPORT}", f"POST {EXPORT}"


def test_the_request_carries_the_token_as_bearer(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(POST, ACCEPTED)
    accepted = gitlab.submit(client, job())
    (asked,) = stub.requests_to(POST)
    assert asked.headers["Authorization"] == "Bearer glpat-not-a-real-token"
    assert accepted.remote_id.startswith("5-")
    assert accepted.status.state == "running"


def test_a_path_is_one_quoted_segment(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    quoted = "/api/v4/projects/gitlab-org%2Fsub%2Fgitlab-test/export"
    stub.on(f"POST {quoted}", ACCEPTED)
    assert gitlab.submit(client, job(project="gitlab-org/sub/gitlab-test")).remote_id
    assert [one.path for one in stub.requests] == [quoted]


@pytest.mark.parametrize(
    "project", ["../admin", "a/..", "a/../b", "5?x=1", "5/export", "a//b", "/a/b", "a/b#c", ".", ""]
)
def test_what_is_no_id_is_never_sent(stub: StubServer, client: Client, gitlab: GitLab, project: str) -> None:
    if project == "5/export":  # It reads as a path, so it is quoted.
        assert gitlab._path(job(project=project)).endswith("/projects/5%2Fexport/export")
        return
    with pytest.raises(RefusedError):
        gitlab.submit(client, job(project=project))
    assert stub.requests == []


@pytest.mark.parametrize("word", ["queued", "started", "regeneration_in_progress"])
def test_an_export_of_somebody_else_is_waited_for(stub: StubServer, client: Client, gitlab: GitLab, word: str) -> None:
    stub.on(GET, shown(word))
    assert isinstance(gitlab.prepare(client, job()), NotYet)


@pytest.mark.parametrize("word", ["none", "finished", "failed"])
def test_the_state_before_is_the_baseline(stub: StubServer, client: Client, gitlab: GitLab, word: str) -> None:
    stub.on(GET, shown(word))
    assert gitlab.prepare(client, job()) == Ready({"status": word})


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("none", "queued", Accepted),
        ("none", "started", Accepted),
        ("none", "finished", Accepted),
        ("none", "failed", Accepted),
        ("finished", "none", Accepted),  # The request deletes the file first.
        ("failed", "finished", Accepted),
        ("none", "none", Absent),
        ("failed", "failed", Absent),
        ("finished", "finished", Unknown),
    ],
)
def test_a_lost_answer_is_read_from_the_state(
    stub: StubServer, client: Client, gitlab: GitLab, before: str, after: str, found: type
) -> None:
    stub.on(GET, shown(after))
    assert isinstance(gitlab.find(client, job(baseline={"status": before})), found)


@pytest.mark.parametrize("body", [None, "<html>", [], {}, {"message": ""}])
def test_an_acceptance_of_another_shape_leaves_the_outcome_open(
    stub: StubServer, client: Client, gitlab: GitLab, body: Any
) -> None:
    stub.on(POST, Reply(202, body))
    with pytest.raises(UnreadableError):
        gitlab.submit(client, job())


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(500, {}), Reply(502, "<html>"), Reply(307)])
def test_a_request_without_an_answer_is_sent_once(
    stub: StubServer, client: Client, gitlab: GitLab, reply: Reply
) -> None:
    stub.on(POST, reply)
    with pytest.raises(UnclearError):
        gitlab.submit(client, job())
    assert len(stub.requests_to(POST)) == 1


def test_a_token_without_the_scope_is_a_matter_of_the_credential(
    stub: StubServer, client: Client, gitlab: GitLab
) -> None:
    stub.on(POST, Reply(403, {"error": "insufficient_scope", "error_description": "Higher privileges", "scope": "api"}))
    with pytest.raises(CredentialError) as caught:
        gitlab.submit(client, job())
    assert caught.value.known
    assert caught.value.final
