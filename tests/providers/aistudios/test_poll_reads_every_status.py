"""A poll reads progress, the state word and the link, in every combination."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.contract import Status
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import NEW, PROGRESS, PROJECT, good, job


def poll_job(stub: StubServer, client: Client, data: dict[str, Any], **fields: Any) -> Status:
    stub.on(PROGRESS, good(data))
    return AIStudios().poll(client, job(remote_id=PROJECT, **fields))


def test_progress_below_100_is_running_and_remembered(stub: StubServer, client: Client) -> None:
    status = poll_job(stub, client, {"progress": 42.5})
    assert (status.state, status.progress, status.provider_status) == (
        "running",
        42.5,
        "",
    )  # else each percent were a row of history
    assert status.memo == {"moved": True}


def test_the_provider_status_is_the_state_word_where_there_is_one(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, {"progress": 10, "state": "rendering"}).provider_status == "rendering"


@pytest.mark.parametrize(("said", "progress"), [("0.00", 0.0), ("99.99", 99.99), (7, 7.0)])
def test_progress_may_be_text(stub: StubServer, client: Client, said: object, progress: float) -> None:
    status = poll_job(stub, client, {"progress": said})
    assert (status.state, status.progress) == ("running", progress)


@pytest.mark.parametrize("said", ["Infinity", "-1", True, "half", [100]])
def test_what_is_no_progress_is_unreadable_also_beside_a_link(stub: StubServer, client: Client, said: object) -> None:
    with pytest.raises(UnreadableError):
        poll_job(stub, client, {"progress": said, "downloadUrl": NEW})


@pytest.mark.parametrize("said", [100, 100.0, "100.00", 250])
def test_100_with_a_link_is_done(stub: StubServer, client: Client, said: object) -> None:
    status = poll_job(stub, client, {"progress": said, "downloadUrl": NEW})
    assert (status.state, status.progress, status.link) == ("done", 100.0, NEW)


def test_the_other_spelling_of_the_link_is_read_too(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, {"progress": 100, "download_url": NEW}).link == NEW


@pytest.mark.parametrize("link", [None, "", 5, {}])
def test_100_without_a_link_is_done_where_it_is_no_end_of_the_export_before(
    stub: StubServer, client: Client, link: object
) -> None:
    data = {"progress": 100, "state": "exported", "downloadUrl": link}
    for fields, state in (
        ({"baseline": {"progress": 0, "state": "draft"}}, "done"),
        ({"baseline": {"progress": 100}, "memo": {"moved": True}}, "done"),
        ({}, "done"),
        ({"baseline": {"progress": 100, "state": "exported"}}, "running"),
    ):
        status = poll_job(stub, client, data, **fields)
        assert (status.state, status.progress, status.link) == (state, 100.0, ""), fields
        assert status.note == "100 % without a link"


@pytest.mark.parametrize("word", ["exported", "finish", "Complete", "something new", ""])
def test_a_state_word_alone_ends_nothing(stub: StubServer, client: Client, word: str) -> None:
    assert poll_job(stub, client, {"progress": 99.9, "state": word, "downloadUrl": NEW}).state == "running"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("fail", "failed"),
        ("FAILED", "failed"),
        ("export_failed", "failed"),
        ("error", "failed"),
        ("renderError", "failed"),
        ("cancel", "canceled"),
        ("canceled", "canceled"),
        ("Cancelled", "canceled"),
    ],
)
@pytest.mark.parametrize("progress", [None, 31, 100])
def test_a_state_word_of_failure_ends_the_export(
    stub: StubServer, client: Client, word: str, state: str, progress: float | None
) -> None:
    status = poll_job(stub, client, {"progress": progress, "state": word})
    assert (status.state, status.provider_status, status.progress) == (state, word, progress)
    assert word in status.message


@pytest.mark.parametrize(
    ("word", "state"), [("exported", "done"), ("finish", "done"), ("queued", "unknown"), ("", "unknown")]
)
def test_only_documented_words_are_mapped(word: str, state: str) -> None:
    assert AIStudios().map_status(word) == state


def test_progress_that_goes_backwards_does_no_harm(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, {"progress": 60}, memo={"moved": True}).progress == 60
    assert poll_job(stub, client, {"progress": 20}, memo={"moved": True}).state == "running"


@pytest.mark.parametrize("said", ["100%", "100 %", " 100.00% ", None, ""])
def test_a_link_beside_a_progress_in_percent_or_none_is_done(stub: StubServer, client: Client, said: object) -> None:
    status = poll_job(stub, client, {"progress": said, "downloadUrl": NEW})
    assert (status.state, status.link) == ("done", NEW)


def test_a_progress_with_a_percent_sign_below_100_is_running(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, {"progress": "42.5%", "downloadUrl": NEW}).progress == 42.5


@pytest.mark.parametrize("data", [{}, {"progress": None}, {"progress": ""}, {"progress": None, "downloadUrl": ""}])
def test_neither_a_progress_nor_a_link_is_unreadable(stub: StubServer, client: Client, data: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        poll_job(stub, client, data)


@pytest.mark.parametrize("progress", ["much", -1, [], {}, "nan", "%"])
def test_an_answer_without_a_progress_is_unreadable(stub: StubServer, client: Client, progress: object) -> None:
    with pytest.raises(UnreadableError) as caught:
        poll_job(stub, client, {"progress": progress, "downloadUrl": NEW})
    assert not caught.value.final


def test_an_answer_about_another_project_is_never_taken(stub: StubServer, client: Client) -> None:
    with pytest.raises(UnreadableError) as caught:
        poll_job(stub, client, {"progress": 100, "downloadUrl": NEW, "projectId": "65fa6b07dca2e36746ffffff"})
    assert caught.value.final


def test_an_answer_without_the_data_wrapper_is_read(stub: StubServer, client: Client) -> None:
    stub.on(PROGRESS, Reply(body={"progress": 100, "downloadUrl": NEW}))
    assert AIStudios().poll(client, job()).state == "done"


def test_only_the_project_itself_can_be_adopted(stub: StubServer, client: Client) -> None:
    with pytest.raises(NotFoundError, match=PROJECT):
        AIStudios().poll(client, job(remote_id="65fa6b07dca2e36746ffffff"))
    assert stub.requests == []


def test_a_job_that_was_adopted_needs_no_baseline(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, {"progress": 100, "downloadUrl": NEW}, baseline={}, memo={}).state == "done"
