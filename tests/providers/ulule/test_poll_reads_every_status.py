"""A poll reads the five statuses in both spellings, and refuses answers about another export."""

from typing import Any

import pytest

from exports.providers.contract import Status
from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import export, job

URL = "https://cdn.example.org/orders.csv?sig=1"


def poll_job(stub: StubServer, client: Client, **fields: Any) -> Status:
    stub.on("GET /v1/exports/77", Reply(body=export(**fields)))
    return Ulule().poll(client, job(remote_id="77"))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("waiting", "running"),
        ("processing", "running"),
        ("succeeded", "done"),
        ("failed", "failed"),
        ("canceled", "canceled"),
        ("cancelled", "canceled"),
        ("Succeeded", "done"),
        ("paused", "unknown"),
        ("", "unknown"),
    ],
)
def test_every_word_has_its_state_and_is_kept_raw(stub: StubServer, client: Client, word: str, state: str) -> None:
    status = poll_job(stub, client, status=word, url=URL)
    assert (status.state, status.provider_status) == (state, word)
    assert status.link == (URL if state == "done" else "")


def test_a_status_of_another_type_moves_nothing(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, status=None).state == "unknown"
    assert poll_job(stub, client, status=["succeeded"], url=URL).state == "unknown"


@pytest.mark.parametrize("url", [None, "", 5, ["x"]])
def test_done_without_a_link_is_reported(stub: StubServer, client: Client, url: object) -> None:
    status = poll_job(stub, client, status="succeeded", url=url)
    assert (status.state, status.link) == ("done", "")


def test_the_providers_time_is_noted_and_no_address_of_a_person(stub: StubServer, client: Client) -> None:
    status = poll_job(stub, client)
    assert "2026-01-02T03:04:05Z" in status.note
    assert "owner@example.org" not in repr(status)


def test_a_failure_has_a_sentence(stub: StubServer, client: Client) -> None:
    assert "no reason" in poll_job(stub, client, status="failed").message


@pytest.mark.parametrize(
    "fields",
    [{"project_id": 4002}, {"id_": 78}, {"format": "xlsx"}, {"type": "users"}],
    ids=["another project", "another export", "another format", "another type"],
)
def test_an_answer_about_something_else_is_never_taken(
    stub: StubServer, client: Client, fields: dict[str, Any]
) -> None:
    with pytest.raises(UnreadableError) as caught:
        poll_job(stub, client, status="succeeded", url=URL, **fields)
    assert caught.value.final


@pytest.mark.parametrize("body", [None, [], {}, "<html>", {"status": "succeeded", "url": URL}, export(None)])
def test_an_answer_that_is_no_export_is_asked_again(stub: StubServer, client: Client, body: Any) -> None:
    stub.on("GET /v1/exports/77", Reply(body=body))
    with pytest.raises(UnreadableError) as caught:
        Ulule().poll(client, job(remote_id="77"))
    assert not caught.value.final


@pytest.mark.parametrize("remote_id", ["", "..", "7/../8", "7?x", "7 8", "\u0661"])
def test_what_would_lead_to_another_path_is_no_export(stub: StubServer, client: Client, remote_id: str) -> None:
    with pytest.raises(NotFoundError):
        Ulule().poll(client, job(remote_id=remote_id))
    assert stub.requests == []


def test_ids_spelled_as_text_are_the_same_ids(stub: StubServer, client: Client) -> None:
    assert poll_job(stub, client, id_="77", project_id="4001").state == "running"
