"""Each stand-in checks credentials and refuses them in its provider's own form."""

import base64

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, client_class, with_client


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def probe(sandbox: Sandbox, provider: str, authorization: str) -> requests.Response:
    headers = {"Authorization": authorization} if authorization else {}
    path = client_class(provider).probe_path
    return requests.get(sandbox.origin(provider) + path, headers=headers, timeout=TIMEOUT_SECONDS)


@pytest.mark.parametrize(
    ("provider", "authorization"),
    [(slug, good) for slug in with_client() for good in client_class(slug).authorizations],
)
def test_a_good_credential_is_let_in(sandbox: Sandbox, provider: str, authorization: str) -> None:
    assert probe(sandbox, provider, authorization).status_code == 200


@pytest.mark.parametrize("provider", with_client())
@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "ApiKey wrong", "sandbox-token", basic("apikey", "no")])
def test_a_bad_credential_is_refused(sandbox: Sandbox, provider: str, authorization: str) -> None:
    assert probe(sandbox, provider, authorization).status_code == 401


@pytest.mark.parametrize("provider", with_client())
def test_each_provider_refuses_in_its_own_shape(sandbox: Sandbox, provider: str) -> None:
    client_class(provider).check_refusal(probe(sandbox, provider, "Bearer wrong").json())
