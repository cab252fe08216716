"""Between the 202 and GitLab's own job its state may still be that of before: it is not believed too soon."""

import time
from typing import Any

import pytest

from exports.providers.gitlab import GitLab
from exports.transport.client import Client
from exports.transport.errors import BusyError, NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.gitlab.conftest import EXPORT, job, shown

GET = f"GET {EXPORT}"
LINK = f"{EXPORT}/download"


def memo(before: str, seconds_ago: float = 0.0) -> dict[str, Any]:
    return {"sent_at": time.time() - seconds_ago, "before": before}


@pytest.mark.parametrize("word", ["queued", "started", "regeneration_in_progress"])
def test_a_running_word_ends_the_doubt(stub: StubServer, client: Client, gitlab: GitLab, word: str) -> None:
    stub.on(GET, shown(word))
    status = gitlab.poll(client, job(memo=memo("failed")))
    assert (status.state, status.provider_status, status.memo) == ("running", word, {})


@pytest.mark.parametrize(
    ("before", "word", "seconds_ago", "state"),
    [
        ("none", "none", 5, "running"),
        ("none", "none", 700, "failed"),
        ("finished", "none", 5, "running"),
        ("failed", "failed", 5, "running"),
        ("failed", "failed", 700, "failed"),
        ("none", "failed", 5, "failed"),
        ("finished", "failed", 5, "running"),  # The file that hid an older failure is deleted.
        ("none", "finished", 5, "done"),
        ("finished", "finished", 5, "running"),
        ("finished", "finished", 70, "done"),
    ],
)
def test_a_state_of_before_is_believed_after_a_while(
    stub: StubServer, client: Client, gitlab: GitLab, before: str, word: str, seconds_ago: float, state: str
) -> None:
    stub.on(GET, shown(word))
    assert gitlab.poll(client, job(memo=memo(before, seconds_ago))).state == state


@pytest.mark.parametrize(("word", "state"), [("none", "failed"), ("failed", "failed"), ("finished", "done")])
def test_once_it_ran_every_end_counts(stub: StubServer, client: Client, gitlab: GitLab, word: str, state: str) -> None:
    stub.on(GET, shown(word))
    assert gitlab.poll(client, job(memo={})).state == state


def test_the_file_lies_below_the_origin(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(GET, shown("finished", _links={"api_url": "https://elsewhere.example/steal"}))
    assert gitlab.poll(client, job()).link == stub.origin + LINK


def test_an_installation_below_a_path_keeps_it(stub: StubServer, connect: Any, gitlab: GitLab) -> None:
    stub.on(f"GET /gitlab{EXPORT}", shown("finished"))
    client = connect(gitlab, {"token": "t"}, path="/gitlab")
    assert gitlab.poll(client, job()).link == f"{stub.origin}/gitlab{LINK}"


def test_an_unknown_word_says_nothing(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(GET, shown("ruminating"))
    assert gitlab.poll(client, job()).state == "unknown"


@pytest.mark.parametrize("body", [None, [], {}, {"id": 5}, {"id": 5, "export_status": None}])
def test_an_answer_without_a_status_is_unreadable(stub: StubServer, client: Client, gitlab: GitLab, body: Any) -> None:
    stub.on(GET, Reply(body=body))
    with pytest.raises(UnreadableError):
        gitlab.poll(client, job())


def test_an_answer_about_another_project_is_final(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(GET, shown("finished", id=6))
    with pytest.raises(UnreadableError) as caught:
        gitlab.poll(client, job())
    assert caught.value.final


def test_the_general_limit_is_read_from_its_own_header(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    reset = {"RateLimit-Reset": str(int(time.time()) + 42), "Content-Type": "text/plain"}
    stub.on(GET, Reply(429, "Retry later", reset))
    with pytest.raises(BusyError) as caught:
        gitlab.poll(client, job())
    assert caught.value.pause
    assert 38 <= caught.value.seconds <= 43


def test_a_project_that_is_gone_is_not_found(stub: StubServer, client: Client, gitlab: GitLab) -> None:
    stub.on(GET, Reply(404, {"message": "404 Project Not Found"}))
    with pytest.raises(NotFoundError):
        gitlab.poll(client, job())
