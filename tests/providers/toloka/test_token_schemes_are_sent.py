"""The scheme that is sent with a token, and the test of a credential."""

from collections.abc import Callable

import pytest

from exports.providers.contract import CheckStep
from exports.providers.toloka import Toloka
from exports.transport.client import CallRecord, Client
from exports.transport.errors import CredentialError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import OPERATION, error, job

REQUESTER = "GET /api/v1/requester"


def key(first: int, dots: int = 2) -> str:
    """A token whose first dot stands at that index."""
    return "a" * first + ".bbb" * dots


def sent(connect: Callable[..., Client], **secrets: str) -> str:
    return Toloka().headers(connect(Toloka(), secrets))["Authorization"]


@pytest.mark.parametrize("first", [22, 23, 24])
def test_a_token_with_two_dots_of_which_the_first_is_at_22_to_24_is_an_api_key(
    connect: Callable[..., Client], first: int
) -> None:
    assert sent(connect, token=key(first)) == f"ApiKey {key(first)}"


@pytest.mark.parametrize("token", [key(21), key(25), key(23, dots=1), key(23, dots=3), "AQAAA", key(0)])
def test_every_other_shape_is_an_oauth_token(connect: Callable[..., Client], token: str) -> None:
    assert sent(connect, token=token) == f"OAuth {token}"


def test_a_chosen_scheme_overrides_the_shape(connect: Callable[..., Client]) -> None:
    assert sent(connect, token=key(23), scheme="OAuth") == f"OAuth {key(23)}"
    assert sent(connect, token="AQAAA", scheme="ApiKey") == "ApiKey AQAAA"


def test_a_pasted_scheme_overrides_the_shape(connect: Callable[..., Client]) -> None:
    assert sent(connect, token="ApiKey AQAAA") == "ApiKey AQAAA"
    assert sent(connect, token=f"oauth {key(23)}") == f"OAuth {key(23)}"
    assert sent(connect, token="OAuth AQAAA", scheme="ApiKey") == "ApiKey AQAAA"


@pytest.mark.parametrize(
    "secrets",
    [
        {"token": "AQAAA"},
        {"token": "ApiKey AQAAA"},
        {"token": "OAuth AQAAA", "scheme": "OAuth"},
        {"token": "AQAAA", "scheme": ""},
    ],
)
def test_a_token_may_be_pasted_with_or_without_its_scheme(secrets: dict[str, str]) -> None:
    assert Toloka().secret_problems(secrets) == {}


@pytest.mark.parametrize(
    ("secrets", "field"),
    [
        ({}, "token"),
        ({"token": ""}, "token"),
        ({"token": "Bearer AQAAA"}, "token"),
        ({"token": "ApiKey AQ AAA"}, "token"),
        ({"token": "AQAAA\n"}, "token"),
        ({"token": "AQAAA", "scheme": "Bearer"}, "scheme"),
        ({"token": "AQAAA", "secret": "x"}, "secret"),
    ],
)
def test_an_invalid_token_is_an_error(secrets: dict[str, str], field: str) -> None:
    assert set(Toloka().secret_problems(secrets)) == {field}


def test_production_comes_first_and_the_sandbox_is_marked_as_gone() -> None:
    assert list(Toloka.origins.items()) == [
        ("production", "https://toloka.dev"),
        ("sandbox", "https://sandbox.toloka.dev"),
    ]
    assert "unavailable since 1 July 2024" in Toloka.origin_notes["sandbox"]


def test_testing_a_good_token_names_its_account(toloka: Toloka, client: Client, stub: StubServer) -> None:
    body = {"id": "ac1", "balance": 120.3, "public_name": {"EN": "Cats Inc", "RU": "Коты"}, "company": {"id": "1"}}
    stub.on(REQUESTER, Reply(body=body))
    assert toloka.check(client) == [CheckStep("Ask whose token it is", True, "Cats Inc, balance 120.30 USD")]


@pytest.mark.parametrize(
    "body",
    [{"id": "ac1"}, {"id": "ac1", "public_name": None, "balance": None}, {"id": "ac1", "balance": 10**400}]
    + [{"id": "ac1", "balance": balance} for balance in (float("nan"), float("inf"), True)],
)
def test_an_account_without_a_name_goes_by_its_id(
    toloka: Toloka, client: Client, stub: StubServer, body: dict[str, object]
) -> None:
    stub.on(REQUESTER, Reply(body=body))
    assert [step.detail for step in toloka.check(client)] == ["ac1"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, error("AUTHENTICATION_ERROR")),
        Reply(403, error("ACCESS_DENIED")),
        Reply(500),
        Reply(cut=True),
        Reply(body={}),
        Reply(body=[]),
    ],
)
def test_a_check_that_fails_says_why(toloka: Toloka, client: Client, stub: StubServer, reply: Reply) -> None:
    stub.on(REQUESTER, reply)
    (step,) = toloka.check(client)
    assert not step.ok
    assert step.detail


def test_neither_the_pasted_value_nor_the_bare_token_is_shown(
    toloka: Toloka, connect: Callable[..., Client], stub: StubServer, calls: list[CallRecord]
) -> None:
    client = connect(toloka, {"token": "ApiKey AQAAABBBCCC", "scheme": "ApiKey"})
    stub.on(OPERATION, Reply(403, error("ACCESS_DENIED", "No ApiKey like AQAAABBBCCC")))
    with pytest.raises(CredentialError, match=r"No ApiKey like \*\*\*") as caught:
        toloka.poll(client, job(remote_id="57068577e4b0bf7b07a0256f"))
    assert "AQAAABBBCCC" not in f"{caught.value.message} {calls} {client!r}"
