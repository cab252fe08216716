"""Every documented error of Ulule, in every form in which it was seen."""

from typing import Any

import pytest

from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnclearError,
)
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import error, job


def refused(stub: StubServer, client: Client, status: int, body: Any) -> ProviderError:
    stub.on("GET /v1/exports/77", Reply(status, body))
    with pytest.raises(ProviderError) as caught:
        Ulule().poll(client, job(remote_id="77"))
    return caught.value


@pytest.mark.parametrize(
    "classification", ["DeserializationError", "RequiredError", "TypeError", "UnknownFieldError", "ValueError"]
)
@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_documented_error_names_its_fields(
    stub: StubServer, client: Client, status: int, classification: str
) -> None:
    problem = refused(stub, client, status, error(classification, "is wrong", "format", "columns"))
    assert type(problem) is RefusedError
    assert problem.message == "Ulule refused: format, columns: is wrong"
    assert problem.provider_status == str(status)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (error("ValueError", "a", "x") + error("TypeError", "b"), "Ulule refused: x: a; b"),
        ([{"classification": "ValueError", "field_names": ["x"], "message": "a"}], "Ulule refused: x: a"),
        ([{"classification": "ValueError", "fieldNames": None, "message": "a"}], "Ulule refused: a"),
        ([{"classification": "ValueError", "fieldNames": ["x"]}], "Ulule refused: x: ValueError"),
        ({"classification": "ValueError", "fieldNames": ["x"], "message": "a"}, "Ulule refused: x: a"),
        ({"detail": "odd"}, "Ulule refused: odd"),
        (["odd"], "Ulule answered 400: odd"),
        ([], "Ulule answered 400."),
        ({}, "Ulule answered 400."),
        ([{}], "Ulule answered 400."),
        ("<html>", "Ulule answered 400."),
        (None, "Ulule answered 400."),
        (17, "Ulule answered 400: 17"),
    ],
)
def test_every_shape_of_a_body_makes_a_sentence(stub: StubServer, client: Client, body: Any, said: str) -> None:
    assert refused(stub, client, 400, body).message == said


@pytest.mark.parametrize("body", [error("PermissionError", "no"), [], "<html>", None])
@pytest.mark.parametrize(("status", "renewable"), [(401, True), (403, False)])
def test_401_and_403_are_errors_of_the_credential(
    stub: StubServer, client: Client, status: int, renewable: bool, body: Any
) -> None:
    problem = refused(stub, client, status, body)
    assert isinstance(problem, CredentialError)
    assert problem.renewable is renewable


@pytest.mark.parametrize("status", [400, 422])
def test_a_permission_error_is_an_error_of_the_credential_at_any_status(
    stub: StubServer, client: Client, status: int
) -> None:
    assert isinstance(refused(stub, client, status, error("PermissionError", "Owners only")), CredentialError)


@pytest.mark.parametrize("body", [error("ValueError", "No such export"), [], "<html>", None])
@pytest.mark.parametrize("status", [404, 410])
def test_404_is_not_found(stub: StubServer, client: Client, status: int, body: Any) -> None:
    assert isinstance(refused(stub, client, status, body), NotFoundError)


@pytest.mark.parametrize("body", [error("ValueError", "slow down"), [], "<html>"])
def test_429_pauses_the_credential(stub: StubServer, client: Client, body: Any) -> None:
    problem = refused(stub, client, 429, body)
    assert isinstance(problem, BusyError)
    assert problem.pause


@pytest.mark.parametrize("body", [error("PermissionError", "x"), {"message": "x"}, "<html>"])
def test_an_internal_error_leaves_the_outcome_open(stub: StubServer, client: Client, body: Any) -> None:
    assert type(refused(stub, client, 500, body)) is UnclearError
