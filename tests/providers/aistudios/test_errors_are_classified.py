"""Errors of AI Studios: no error code is published, so they are classified by the text of the envelope."""

import pytest

from exports.providers.aistudios import AIStudios
from exports.transport.client import Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnknownRefusalError,
    UnreadableError,
)
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import EXPORT, PROGRESS, bad, good, job


def refused(stub: StubServer, client: Client, reply: Reply) -> ProviderError:
    stub.on(PROGRESS, reply)
    with pytest.raises(ProviderError) as caught:
        AIStudios().poll(client, job())
    return caught.value


@pytest.mark.parametrize(
    "reply",
    [
        bad(401, "Unauthorized", 401),
        bad(4010, "Nope"),
        bad("TOKEN_EXPIRED", "The token has expired", 403),
        bad(1, "jwt malformed", 400),
        Reply(body={"success": False, "error": "Authentication required"}),
        Reply(401, "<html>"),
        Reply(401),
    ],
)
def test_a_refused_token_may_be_renewed(stub: StubServer, client: Client, reply: Reply) -> None:
    error = refused(stub, client, reply)
    assert isinstance(error, CredentialError)
    assert error.renewable


@pytest.mark.parametrize("reply", [bad(403, "Forbidden"), bad(7, "No permission", 403), Reply(403, {})])
def test_a_missing_right_does_not_renew_the_token(stub: StubServer, client: Client, reply: Reply) -> None:
    error = refused(stub, client, reply)
    assert isinstance(error, CredentialError)
    assert not error.renewable


@pytest.mark.parametrize(
    "reply",
    [
        bad(404, "Project not found", 404),
        bad("X", "The project does not exist"),
        bad(4040, "gone"),
        Reply(body={"success": False, "error": "Project not found"}),
        Reply(404, "<html>"),
        Reply(410, bad(1, "deleted").body),
    ],
)
def test_a_missing_project_is_not_found(stub: StubServer, client: Client, reply: Reply) -> None:
    assert isinstance(refused(stub, client, reply), NotFoundError)


@pytest.mark.parametrize(
    "reply",
    [
        bad(429, "slow down", 429),
        Reply(429, "<html>"),
        bad(429, "slow down"),
        bad("BUSY", "Too many requests", 400),
        bad("LIMIT", "Rate limited"),
    ],
)
def test_a_limit_pauses_the_credential_whatever_the_status(stub: StubServer, client: Client, reply: Reply) -> None:
    error = refused(stub, client, reply)
    assert isinstance(error, BusyError)
    assert error.pause


@pytest.mark.parametrize(
    "reply",
    [Reply(500, {"success": False, "error": {"code": 1, "msg": "x"}}), Reply(503), bad(500, "Internal error")],
)
def test_an_internal_error_leaves_the_outcome_open(stub: StubServer, client: Client, reply: Reply) -> None:
    error = refused(stub, client, reply)
    assert isinstance(error, UnclearError)
    assert not isinstance(error, UnreadableError)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (bad(1234, "Not enough credit"), "AI Studios refused: 1234 Not enough credit"),
        (bad("E7", "Scene is empty", 400), "AI Studios refused: E7 Scene is empty"),
        (bad(4020, "Pay first"), "AI Studios refused: 4020 Pay first"),
        (bad(409, "Project is being exported"), "AI Studios refused: 409 Project is being exported"),
        (Reply(422, {"success": False}), "AI Studios refused: it gave no reason"),
    ],
)
def test_every_other_refusal_is_shown_unchanged(stub: StubServer, client: Client, reply: Reply, said: str) -> None:
    error = refused(stub, client, reply)
    assert type(error) is RefusedError
    assert error.message == said


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (bad(5000, "Internal server error"), "AI Studios refused: 5000 Internal server error"),
        (bad("E1", "Temporary failure"), "AI Studios refused: E1 Temporary failure"),
        (bad(5030, "Credit service unavailable"), "AI Studios refused: 5030 Credit service unavailable"),
        (bad("E9", "Please try again later", 400), "AI Studios refused: E9 Please try again later"),
        (Reply(body={"success": False, "error": "Scene is empty"}), "AI Studios refused: Scene is empty"),
        (Reply(body={"success": False}), "AI Studios refused: it gave no reason"),
        (Reply(body={"success": False, "error": None, "message": "odd"}), "AI Studios refused: odd"),
        (Reply(body={"success": False, "error": ["a", 5]}), "AI Studios refused: a; 5"),
    ],
)
def test_a_refusal_that_is_not_declared_final_may_pass_and_proves_nothing(
    stub: StubServer, client: Client, reply: Reply, said: str
) -> None:
    error = refused(stub, client, reply)
    assert isinstance(error, UnknownRefusalError)
    assert not error.final
    assert error.message == said


def test_a_refused_submit_with_status_200_was_not_executed(stub: StubServer, client: Client) -> None:
    stub.on(EXPORT, bad(409, "Project is being exported"))
    with pytest.raises(RefusedError, match="being exported"):
        AIStudios().submit(client, job())


@pytest.mark.parametrize("success", ["false", "true", 1, None, 0])
def test_an_envelope_without_success_is_unreadable(stub: StubServer, client: Client, success: object) -> None:
    error = refused(stub, client, Reply(body={"success": success, "data": {"progress": 100, "downloadUrl": "x"}}))
    assert isinstance(error, UnreadableError)
    assert not error.final


@pytest.mark.parametrize("reply", [Reply(body="<html>"), Reply(), Reply(body=[1]), good(None), good([]), good("no")])
def test_an_answer_of_another_shape_is_unreadable(stub: StubServer, client: Client, reply: Reply) -> None:
    assert isinstance(refused(stub, client, reply), UnreadableError)
