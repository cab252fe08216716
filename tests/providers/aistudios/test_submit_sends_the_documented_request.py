"""Submit sends exactly the documented request, and takes only clear answers as an acceptance."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import EXPORT, PROJECT, good, job


def test_without_options_only_the_project_is_sent(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(EXPORT, good({"projectId": PROJECT}))
    assert aistudios.submit(client, job()).remote_id == PROJECT
    (asked,) = stub.requests_to(EXPORT)
    assert asked.json == {"projectId": PROJECT}
    assert asked.headers["Authorization"] == "a.b.c"
    assert asked.headers["Content-Type"] == "application/json"


def test_every_option_has_its_documented_name(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(EXPORT, good({"projectId": PROJECT}))
    aistudios.submit(client, job(options={"resolution": "720", "workspace_id": "w1"}, webhook_url="https://portal/h"))
    assert stub.requests_to(EXPORT)[0].json == {
        "projectId": PROJECT,
        "resolution": "720",
        "workspaceId": "w1",
        "webhookUrl": "https://portal/h",
    }


def test_the_users_own_address_is_never_sent(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(EXPORT, good({"projectId": PROJECT}))
    aistudios.submit(client, job(options={"webhook_url": "https://me.example.org/"}))
    assert b"me.example.org" not in stub.requests_to(EXPORT)[0].body


def test_empty_options_are_not_sent(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(EXPORT, good({"projectId": PROJECT}))
    aistudios.submit(client, job(options={"resolution": "", "workspace_id": "", "webhook_url": ""}))
    assert stub.requests_to(EXPORT)[0].json == {"projectId": PROJECT}


def test_a_missing_data_wrapper_is_accepted(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(EXPORT, Reply(body={"success": True, "projectId": PROJECT}))
    assert aistudios.submit(client, job()).remote_id == PROJECT


def test_an_acceptance_of_another_project_is_never_taken(
    stub: StubServer, client: Client, aistudios: AIStudios
) -> None:
    stub.on(EXPORT, good({"projectId": "65fa6b07dca2e36746ffffff"}))
    with pytest.raises(UnreadableError, match="another project") as caught:
        aistudios.submit(client, job())
    assert caught.value.final


@pytest.mark.parametrize("data", [None, {}, [], {"projectId": ""}, {"projectId": None}, {"projectId": {}}, "ok"])
def test_an_acceptance_without_a_project_leaves_the_outcome_open(
    stub: StubServer, client: Client, aistudios: AIStudios, data: Any
) -> None:
    stub.on(EXPORT, good(data))
    with pytest.raises(UnreadableError) as caught:
        aistudios.submit(client, job())
    assert not caught.value.final


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(502, "<html>"), Reply(body="garbage"), Reply(302)])
def test_a_request_without_an_answer_is_sent_once_and_left_open(
    stub: StubServer, client: Client, aistudios: AIStudios, reply: Reply
) -> None:
    stub.on(EXPORT, reply)
    with pytest.raises(UnclearError):
        aistudios.submit(client, job())
    assert len(stub.requests_to(EXPORT)) == 1


@pytest.mark.parametrize("name", ["..", ".", "a b", "é", "a%2Fb"])
def test_a_name_that_cannot_be_an_id_is_never_put_into_a_path(
    stub: StubServer, client: Client, aistudios: AIStudios, name: str
) -> None:
    with pytest.raises(NotFoundError, match="not an id"):
        aistudios.prepare(client, job(project=name))
    assert stub.requests == []


def test_a_path_before_the_api_is_kept(stub: StubServer, connect: Any, aistudios: AIStudios) -> None:
    stub.on("POST /prefix/api/odin/v3/auth/token", good({"token": "t"}))
    stub.on("POST /prefix/api/odin/v3/editor/project/export", good({"projectId": PROJECT}))
    client = connect(aistudios, {"app_id": "a", "user_key": "b"}, path="/prefix")
    assert aistudios.submit(client, job()).remote_id == PROJECT
