"""The short-lived token is fetched once, sent as it is, and fetched again when it expires or is refused."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.transport.client import CallRecord, Client
from exports.transport.errors import BusyError, CredentialError, NotSentError
from exports.transport.provider_api import Grant
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import PROGRESS, READ, SECRETS, TOKEN, bad, good, job, project


def test_the_pair_is_sent_as_documented_and_without_authorisation(stub: StubServer, client: Client) -> None:
    client.token()
    (asked,) = stub.requests_to(TOKEN)
    assert asked.json == {"appId": "the-app-id", "userKey": "the-user-key"}
    assert "Authorization" not in asked.headers


def test_the_token_goes_raw_and_serves_every_call(stub: StubServer, client: Client, aistudios: AIStudios) -> None:
    stub.on(READ, project())
    aistudios.prepare(client, job())
    aistudios.prepare(client, job())
    assert [asked.headers["Authorization"] for asked in stub.requests_to(READ)] == ["a.b.c", "a.b.c"]
    assert len(stub.requests_to(TOKEN)) == 1


def test_it_is_kept_for_23_of_its_24_hours(client: Client) -> None:
    client.token()
    assert client.grant is not None
    assert client.grant.expires_at == pytest.approx(time.time() + 23 * 3600, abs=30)


def test_an_expired_token_is_replaced(stub: StubServer, client: Client) -> None:
    client.grant = Grant("old", time.time() + 5)
    assert client.token() == "a.b.c"


def test_a_token_that_the_provider_forgot_is_fetched_again(
    stub: StubServer, client: Client, aistudios: AIStudios
) -> None:
    stub.on(TOKEN, good({"token": "first"}), good({"token": "second"}))
    stub.on(PROGRESS, bad(401, "Unauthorized", 401), good({"progress": 7}))
    with pytest.raises(CredentialError) as caught:
        aistudios.poll(client, job())
    assert caught.value.renewable
    client.forget_token()
    assert aistudios.poll(client, job()).progress == 7
    assert [asked.headers["Authorization"] for asked in stub.requests_to(PROGRESS)] == ["first", "second"]


@pytest.mark.parametrize(
    "reply",
    [
        bad(401, "Invalid appId or userKey", 401),
        bad(401, "Invalid appId or userKey"),
        bad("INVALID", "Wrong key"),
        Reply(body={"success": False, "error": "no such key"}),
        Reply(403, "<html>Forbidden</html>"),
        Reply(404, {}),
    ],
)
def test_a_refused_pair_is_an_error_of_the_credential_and_is_not_retried(
    stub: StubServer, client: Client, reply: Reply
) -> None:
    stub.on(TOKEN, reply)
    with pytest.raises(CredentialError, match="no token for this appId and userKey") as caught:
        client.token()
    assert not caught.value.renewable


def test_a_rate_limit_of_the_token_endpoint_pauses_the_credential(stub: StubServer, client: Client) -> None:
    stub.on(TOKEN, Reply(429, {}, {"Retry-After": "9"}))
    with pytest.raises(BusyError) as caught:
        client.token()
    assert caught.value.seconds == 9


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, {}),
        Reply(cut=True),
        Reply(body="<html>"),
        good({}),
        good(None),
        good({"token": ""}),
        good({"token": "two words"}),
        good({"token": "line\r\nbreak"}),
        good({"token": "x" * 8_001}),
        Reply(body={"success": "yes", "data": {"token": "t"}}),
    ],
)
def test_without_a_token_the_request_is_provably_not_sent(
    stub: StubServer, client: Client, aistudios: AIStudios, reply: Reply
) -> None:
    stub.on(TOKEN, reply)
    with pytest.raises(NotSentError):
        aistudios.submit(client, job())
    assert [asked.path for asked in stub.requests] == ["/api/odin/v3/auth/token"]


def test_no_call_record_contains_the_token(
    stub: StubServer, connect: Callable[..., Client], aistudios: AIStudios, calls: list[CallRecord]
) -> None:
    stub.on(TOKEN, bad(1, "the-user-key is wrong"))
    client = connect(aistudios, SECRETS)
    with pytest.raises(CredentialError) as caught:
        client.token()
    shown: list[Any] = [caught.value.message, *(vars(call) if hasattr(call, "__dict__") else call for call in calls)]
    assert "the-user-key" not in repr(shown)
