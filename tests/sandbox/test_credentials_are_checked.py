"""Each stand-in checks credentials and refuses them in its provider's own form."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client

PROBES = {
    "playcanvas": "/api/ratelimits",
    "aistudios": "/api/odin/v3/dropdown/workspaces",
    "toloka": "/api/v1/requester",
    "ulule": "/v1/me",
}


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def probe(sandbox: Sandbox, provider: str, authorization: str) -> requests.Response:
    headers = {"Authorization": authorization} if authorization else {}
    return requests.get(sandbox.origin(provider) + PROBES[provider], headers=headers, timeout=TIMEOUT_SECONDS)


@pytest.mark.parametrize(
    ("provider", "authorization"),
    [
        ("playcanvas", "Bearer sandbox-token"),
        ("toloka", "ApiKey sandbox-token"),
        ("toloka", "OAuth sandbox-token"),
        ("toloka", "ApiKey sandboxabcdefghijklmnop.abc.def"),
        ("ulule", "APIKey sandbox-key"),
        ("ulule", "ApiKey someone:sandbox-key"),
        ("ulule", "Apikey someone@example.com:sandbox-key"),
        ("ulule", basic("apikey", "sandbox-key")),
    ],
)
def test_a_good_credential_is_let_in(sandbox: Sandbox, provider: str, authorization: str) -> None:
    assert probe(sandbox, provider, authorization).status_code == 200


@pytest.mark.parametrize("provider", PROBES)
@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "ApiKey wrong", "sandbox-token", basic("apikey", "no")])
def test_a_bad_credential_is_refused(sandbox: Sandbox, provider: str, authorization: str) -> None:
    assert probe(sandbox, provider, authorization).status_code == 401


def test_each_provider_refuses_in_its_own_shape(sandbox: Sandbox) -> None:
    shapes: dict[str, Any] = {provider: probe(sandbox, provider, "Bearer wrong").json() for provider in PROBES}
    assert shapes["playcanvas"] == {"error": "Unauthorized"}
    assert shapes["aistudios"]["success"] is False
    assert set(shapes["aistudios"]["error"]) == {"code", "msg"}
    assert shapes["toloka"]["code"] == "AUTHENTICATION_ERROR"
    assert shapes["toloka"]["request_id"]
    assert set(shapes["ulule"][0]) == {"classification", "fieldNames", "message"}


def test_a_playcanvas_token_may_not_read_the_project_itself(client: Callable[[str], Client]) -> None:
    answer = client("playcanvas").call("GET", "/api/projects/100001")
    assert (answer.status_code, answer.json()) == (401, {"error": "Token does not have required scope"})


def test_ai_studios_gives_a_token_for_the_right_pair_only(sandbox: Sandbox) -> None:
    url = sandbox.origin("aistudios") + "/api/odin/v3/auth/token"
    assert requests.post(url, json={"appId": "sandbox-app", "userKey": "sandbox-key"}, timeout=TIMEOUT_SECONDS).json()[
        "success"
    ]
    refused = requests.post(url, json={"appId": "sandbox-app", "userKey": "no"}, timeout=TIMEOUT_SECONDS)
    assert (refused.status_code, refused.json()["success"]) == (401, False)


def test_ai_studios_calls_a_bad_token_not_authenticated_rather_than_an_error(client: Callable[[str], Client]) -> None:
    studio = client("aistudios")
    assert studio.call("GET", "/api/odin/v3/auth").json()["data"] == {"isAuthenticated": True}
    studio.http.headers["Authorization"] = "expired"
    assert studio.call("GET", "/api/odin/v3/auth").json()["data"] == {"isAuthenticated": False}


def test_expired_tokens_are_refused_and_new_ones_work(client: Callable[[str], Client], sandbox: Sandbox) -> None:
    studio = client("aistudios")
    sandbox.expire_tokens()
    assert studio.call("GET", PROBES["aistudios"]).status_code == 401
    studio.sign_in()
    assert studio.call("GET", PROBES["aistudios"]).status_code == 200


def refresh(sandbox: Sandbox, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    auth = ("sandbox-client", "sandbox-secret")
    return requests.post(sandbox.origin("ulule") + "/oauth2/token/", data=form, auth=auth, timeout=TIMEOUT_SECONDS)


def test_ulule_gives_an_access_token_for_the_refresh_token(sandbox: Sandbox) -> None:
    given = refresh(sandbox, "sandbox-refresh").json()
    assert (given["expires_in"], given["token_type"], given["refresh_token"]) == (36000, "Bearer", "sandbox-refresh")
    assert probe(sandbox, "ulule", f"Bearer {given['access_token']}").status_code == 200
    sandbox.expire_tokens()
    assert probe(sandbox, "ulule", f"Bearer {given['access_token']}").status_code == 401


def test_ulule_voids_the_old_refresh_token_when_told_to_rotate(sandbox: Sandbox) -> None:
    sandbox.settings(rotate_refresh=True)
    fresh = refresh(sandbox, "sandbox-refresh").json()["refresh_token"]
    assert refresh(sandbox, "sandbox-refresh").json() == {"error": "invalid_grant"}
    assert refresh(sandbox, fresh).status_code == 200


def test_ulule_refuses_another_client_and_another_grant(sandbox: Sandbox) -> None:
    url = sandbox.origin("ulule") + "/oauth2/token/"
    wrong = requests.post(
        url, data={"grant_type": "refresh_token"}, auth=("sandbox-client", "no"), timeout=TIMEOUT_SECONDS
    )
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    odd = requests.post(
        url, data={"grant_type": "magic"}, auth=("sandbox-client", "sandbox-secret"), timeout=TIMEOUT_SECONDS
    )
    assert (odd.status_code, odd.json()) == (400, {"error": "unsupported_grant_type"})


def test_an_old_version_of_ulule_ignores_bad_credentials_where_none_are_needed(sandbox: Sandbox) -> None:
    url = sandbox.origin("ulule") + "/v1/projects/4001"
    bad = {"Authorization": "APIKey wrong"}
    assert requests.get(url, headers=bad, timeout=TIMEOUT_SECONDS).status_code == 200
    assert requests.get(url, headers={**bad, "Ulule-Version": "2020-11-10"}, timeout=TIMEOUT_SECONDS).status_code == 401
