"""The two kinds of credential of Ulule: their fields, and what each sends."""

import base64
import time
from urllib.parse import parse_qs

import pytest

from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import BusyError, CredentialError, NotSentError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import EXPORTS, KEY, OAUTH, TOKEN, export, job, listed


@pytest.mark.parametrize("secrets", [KEY, OAUTH, {**KEY, "client_id": ""}, {**OAUTH, "api_key": ""}])
def test_one_complete_set_is_a_credential(secrets: dict[str, str]) -> None:
    assert Ulule().secret_problems(secrets) == {}


@pytest.mark.parametrize(
    ("secrets", "fields"),
    [
        ({}, {"api_key"}),
        ({"api_key": "", "client_id": ""}, {"api_key"}),
        ({**KEY, **OAUTH}, {"api_key"}),
        ({**KEY, "client_id": "c"}, {"api_key"}),
        ({"client_id": "c"}, {"client_secret", "refresh_token"}),
        ({"client_id": "c", "client_secret": "s", "refresh_token": ""}, {"refresh_token"}),
        ({**OAUTH, "client_id": "a b"}, {"client_id"}),
        ({"api_key": "k", "token": "t"}, {"token"}),
    ],
)
def test_anything_else_is_an_error_of_its_fields(secrets: dict[str, str], fields: set[str]) -> None:
    assert set(Ulule().secret_problems(secrets)) == fields


def test_an_api_key_is_sent_as_documented(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(f"GET {EXPORTS}", listed())
    ulule.prepare(client, job())
    (asked,) = stub.requests
    assert asked.headers["Authorization"] == "APIKey the-api-key"
    assert asked.headers["Ulule-Version"] == "2020-11-10"


def test_a_refused_api_key_never_leads_to_a_token_call(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(f"POST {EXPORTS}", Reply(401, []))
    with pytest.raises(CredentialError):
        ulule.submit(client, job())
    client.forget_token()
    with pytest.raises(CredentialError):
        ulule.submit(client, job())
    assert client.grant is None
    assert stub.requests_to(TOKEN) == []


def test_oauth_asks_for_a_token_with_basic_and_a_form(stub: StubServer, oauth: Client, ulule: Ulule) -> None:
    stub.on("GET /v1/exports/77", Reply(body=export()))
    ulule.poll(oauth, job(remote_id="77"))
    ulule.poll(oauth, job(remote_id="77"))
    (asked,) = stub.requests_to(TOKEN)
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"the-client:the-secret").decode()
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["refresh-1"]}
    heads = [asked.headers for asked in stub.requests_to("GET /v1/exports/77")]
    assert [head["Authorization"] for head in heads] == ["Bearer access-1"] * 2
    assert heads[0]["Ulule-Version"] == "2020-11-10"


@pytest.mark.parametrize(
    ("said", "seconds"), [(36000, 36000), (600, 600), ("7200", 7200), (None, 36000), ("soon", 36000), (0, 36000)]
)
def test_a_token_is_valid_for_the_announced_time_or_ten_hours(
    stub: StubServer, oauth: Client, said: object, seconds: float
) -> None:
    stub.on(TOKEN, Reply(body={"access_token": "a", "expires_in": said}))
    oauth.token()
    assert oauth.grant is not None
    assert oauth.grant.expires_at == pytest.approx(time.time() + seconds, abs=30)


def test_a_new_refresh_token_replaces_the_old_one(stub: StubServer, oauth: Client) -> None:
    stub.on(
        TOKEN,
        Reply(body={"access_token": "access-1", "refresh_token": "refresh-2"}),
        Reply(body={"access_token": "access-2", "refresh_token": "refresh-2"}),
    )
    oauth.token()
    assert oauth.grant is not None
    assert oauth.grant.secrets == {"refresh_token": "refresh-2"}
    oauth.forget_token()
    assert oauth.token() == "access-2"
    assert oauth.grant.secrets == {}
    assert [parse_qs(asked.body.decode())["refresh_token"] for asked in stub.requests_to(TOKEN)] == [
        ["refresh-1"],
        ["refresh-2"],
    ]


def test_a_refused_token_may_be_renewed(stub: StubServer, oauth: Client, ulule: Ulule) -> None:
    stub.on("GET /v1/exports/77", Reply(401, []), Reply(body=export()))
    with pytest.raises(CredentialError) as caught:
        ulule.poll(oauth, job(remote_id="77"))
    assert caught.value.renewable
    oauth.forget_token()
    assert ulule.poll(oauth, job(remote_id="77")).state == "running"
    assert len(stub.requests_to(TOKEN)) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"error": "invalid_grant", "error_description": "expired"}),
        Reply(401, {"error": "invalid_client"}),
        Reply(403, "<html>"),
        Reply(404, {}),
        Reply(400),
    ],
)
def test_a_refused_refresh_token_requires_a_person(stub: StubServer, oauth: Client, reply: Reply) -> None:
    stub.on(TOKEN, reply)
    with pytest.raises(CredentialError, match="client or its refresh token") as caught:
        oauth.token()
    assert not caught.value.renewable


def test_a_rate_limit_of_the_token_endpoint_pauses_the_credential(stub: StubServer, oauth: Client) -> None:
    stub.on(TOKEN, Reply(429, {}, {"Retry-After": "7"}))
    with pytest.raises(BusyError):
        oauth.token()


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(cut=True), Reply(body="<html>"), Reply(body={}), Reply(body={"access_token": "a b"})]
)
def test_without_a_token_the_request_is_provably_not_sent(
    stub: StubServer, oauth: Client, ulule: Ulule, reply: Reply
) -> None:
    stub.on(TOKEN, reply)
    with pytest.raises(NotSentError):
        ulule.submit(oauth, job())
    assert stub.requests_to(f"POST {EXPORTS}") == []
