"""A poll of a job reads every status, links and messages, and refuses answers about something else."""

from typing import Any

import pytest

from exports.providers.playcanvas import PlayCanvas
from exports.transport.client import Client
from exports.transport.errors import BusyError, NotFoundError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.playcanvas.conftest import LINK, TOKEN, answer, app, archive

JOB = "GET /api/jobs/4242"


def test_a_running_job_runs_and_its_times_are_noted(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(body=answer()))
    status = playcanvas.poll(client, archive(remote_id="4242"))
    assert (status.state, status.provider_status, status.link, status.progress) == ("running", "running", "", None)
    assert status.note == "created 2025-10-21T12:42:13.331Z, modified 2025-10-21T12:43:00.000Z"
    assert stub.requests_to(JOB)[0].headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_complete_archive_has_its_link_in_url(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    data = {"project": {"id": 100001}, "url": LINK, "download_url": "https://other.example.org/"}
    stub.on(JOB, Reply(body=answer("complete", data=data)))
    status = playcanvas.poll(client, archive(remote_id="4242"))
    assert (status.state, status.provider_status, status.link) == ("done", "complete", LINK)


def test_a_complete_app_has_its_link_in_download_url(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    data = {"project_id": 100001, "download_url": LINK, "url": "https://other.example.org/"}
    stub.on(JOB, Reply(body=answer("complete", data=data)))
    assert playcanvas.poll(client, app(remote_id="4242")).link == LINK


def test_the_other_kind_s_key_is_the_fallback(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(body=answer("complete", data={"download_url": LINK})))
    assert playcanvas.poll(client, archive(remote_id="4242")).link == LINK
    stub.on(JOB, Reply(body=answer("complete", data={"url": LINK, "download_url": ""})))
    assert playcanvas.poll(client, app(remote_id="4242")).link == LINK


@pytest.mark.parametrize("data", [{}, None, [], {"url": None}, {"url": ""}, {"url": 7}, {"url": {"href": LINK}}])
def test_a_complete_job_may_come_without_a_link(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, data: Any
) -> None:
    stub.on(JOB, Reply(body=answer("complete", data=data)))
    status = playcanvas.poll(client, archive(remote_id="4242"))
    assert (status.state, status.link) == ("done", "")


@pytest.mark.parametrize("status", ["running", "error", "queued"])
def test_a_link_counts_only_when_the_job_is_complete(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, status: str
) -> None:
    stub.on(JOB, Reply(body=answer(status, data={"url": LINK})))
    assert playcanvas.poll(client, archive(remote_id="4242")).link == ""


def test_data_may_be_replaced_by_another_object_at_completion(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(JOB, Reply(body=answer("complete", data={"id": 99, "name": "Build", "url": LINK})))
    assert playcanvas.poll(client, archive(remote_id="4242")).link == LINK


def test_an_error_fails_with_all_its_messages(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(body=answer("error", messages=["Could not export", "Script a.mjs is broken"])))
    status = playcanvas.poll(client, archive(remote_id="4242"))
    assert (status.state, status.provider_status, status.code) == ("failed", "error", "provider_failed")
    assert status.messages == ("Could not export", "Script a.mjs is broken")
    assert status.message == "Could not export; Script a.mjs is broken"


@pytest.mark.parametrize("messages", [None, [], "", [None], {}])
def test_messages_may_be_missing(playcanvas: PlayCanvas, client: Client, stub: StubServer, messages: Any) -> None:
    body = answer("error", messages=messages)
    stub.on(JOB, Reply(body=body), Reply(body={name: value for name, value in body.items() if name != "messages"}))
    for _ in range(2):
        status = playcanvas.poll(client, archive(remote_id="4242"))
        assert (status.state, status.messages, status.message) == ("failed", (), "")


def test_a_single_message_is_taken_as_one(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(body=answer("error", messages="Could not export")))
    assert playcanvas.poll(client, archive(remote_id="4242")).messages == ("Could not export",)


@pytest.mark.parametrize("word", ["queued", "canceled", "Paused"])
def test_an_unknown_word_moves_nothing_and_is_kept_as_it_is(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, word: str
) -> None:
    stub.on(JOB, Reply(body=answer(word)))
    status = playcanvas.poll(client, archive(remote_id="4242"))
    assert (status.state, status.provider_status) == ("unknown", word)


@pytest.mark.parametrize("data", [{"project": {"id": 7}}, {"project_id": 7}, {"project": "7"}])
def test_a_job_of_another_project_is_never_taken(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, data: dict[str, Any]
) -> None:
    stub.on(JOB, Reply(body=answer("complete", data={**data, "url": LINK})))
    with pytest.raises(UnreadableError, match="another project, 7") as caught:
        playcanvas.poll(client, archive(remote_id="4242"))
    assert caught.value.final


def test_another_job_is_never_taken(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(body=answer("complete", id=4243, data={"url": LINK})))
    with pytest.raises(UnreadableError, match="another job, 4243") as caught:
        playcanvas.poll(client, archive(remote_id="4242"))
    assert caught.value.final


@pytest.mark.parametrize("body", [{}, [], "complete", {"id": 4242}, {"id": 4242, "status": None}, None])
def test_an_answer_without_a_status_is_unreadable_but_not_the_end(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, body: Any
) -> None:
    stub.on(JOB, Reply(body=body))
    with pytest.raises(UnreadableError) as caught:
        playcanvas.poll(client, archive(remote_id="4242"))
    assert not caught.value.final


def test_a_job_that_is_gone_is_not_found(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(JOB, Reply(404, {"error": "Job not found"}))
    with pytest.raises(NotFoundError, match="Job not found"):
        playcanvas.poll(client, archive(remote_id="4242"))


def test_a_poll_past_the_limit_waits_as_long_as_it_is_told(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(JOB, Reply(429, {"error": "Too many requests"}, {"Retry-After": "7"}))
    with pytest.raises(BusyError) as caught:
        playcanvas.poll(client, archive(remote_id="4242"))
    assert (caught.value.seconds, caught.value.pause) == (7.0, True)


@pytest.mark.parametrize("reply", [Reply(500), Reply(502, "<html>Bad gateway</html>"), Reply(cut=True)])
def test_a_poll_that_breaks_is_unclear(playcanvas: PlayCanvas, client: Client, stub: StubServer, reply: Reply) -> None:
    stub.on(JOB, reply)
    with pytest.raises(UnclearError):
        playcanvas.poll(client, archive(remote_id="4242"))
