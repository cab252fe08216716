"""Every documented error of PlayCanvas, and what it means for the export."""

import time

import pytest

from exports.providers.playcanvas import PlayCanvas
from exports.transport.client import Client
from exports.transport.errors import BusyError, CredentialError, NotFoundError, RefusedError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.playcanvas.conftest import DOWNLOAD, EXPORT, TOKEN, app, archive


@pytest.mark.parametrize("sentence", ["Project not found", "Owner not found", "Scene not found"])
def test_what_is_not_there_is_said_in_playcanvas_s_own_words(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, sentence: str
) -> None:
    stub.on(DOWNLOAD, Reply(404, {"error": sentence}))
    stub.on(EXPORT, Reply(404, {"error": sentence}))
    for job in (app(), archive()):
        with pytest.raises(NotFoundError, match=sentence) as caught:
            playcanvas.submit(client, job)
        assert caught.value.code == "not_found"


@pytest.mark.parametrize(("status", "said"), [(401, "Unauthorized"), (403, "Forbidden")])
def test_a_refused_token_is_the_credential_s_fault(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, status: int, said: str
) -> None:
    stub.on(EXPORT, Reply(status, {"error": said}))
    with pytest.raises(CredentialError, match=said) as caught:
        playcanvas.submit(client, archive())
    assert caught.value.code == "credential"
    assert not playcanvas.has_renewable_token


def test_a_token_without_the_scope_is_known_but_may_not(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(EXPORT, Reply(401, {"error": "Token does not have required scope"}))
    with pytest.raises(CredentialError, match="is known, but may not do this: Token does not have") as caught:
        playcanvas.submit(client, archive())
    assert not caught.value.renewable


def test_a_400_is_a_refusal_that_can_be_their_fault(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(DOWNLOAD, Reply(400, {"error": "Invalid scenes"}))
    with pytest.raises(RefusedError, match=r"fault of theirs\): Invalid scenes") as caught:
        playcanvas.submit(client, app())
    assert (caught.value.code, caught.value.provider_status) == ("rejected", "400")


@pytest.mark.parametrize("body", [{"message": "Bad branch"}, {"error": {"message": "Bad branch"}}, '"Bad branch"'])
def test_an_error_body_may_have_other_shapes(
    playcanvas: PlayCanvas, client: Client, stub: StubServer, body: object
) -> None:
    stub.on(EXPORT, Reply(409, body))
    with pytest.raises(RefusedError, match="Bad branch"):
        playcanvas.submit(client, archive())


def test_past_the_limit_the_credential_pauses_until_the_window_is_new(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    reset = str(int(time.time()) + 42)
    limits = {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    stub.on(EXPORT, Reply(429, {"error": "Too many requests"}, limits))
    with pytest.raises(BusyError, match="Too many requests") as caught:
        playcanvas.submit(client, archive())
    assert caught.value.pause
    assert 35 < caught.value.seconds <= 42


def test_a_429_that_says_nothing_pauses_a_minute(playcanvas: PlayCanvas, client: Client, stub: StubServer) -> None:
    stub.on(DOWNLOAD, Reply(429))
    with pytest.raises(BusyError) as caught:
        playcanvas.submit(client, app())
    assert (caught.value.seconds, caught.value.pause) == (60.0, True)


def test_a_refusal_that_repeats_the_token_does_not_show_it(
    playcanvas: PlayCanvas, client: Client, stub: StubServer
) -> None:
    stub.on(EXPORT, Reply(400, {"error": f"Bad header Bearer {TOKEN}"}))
    with pytest.raises(RefusedError) as caught:
        playcanvas.submit(client, archive())
    assert TOKEN not in caught.value.message
