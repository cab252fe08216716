"""Its tokens are issued for a pair of secrets."""

from collections.abc import Callable

import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.aistudios.client import StandInClient
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client

PROBE = StandInClient.probe_path


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
    assert studio.call("GET", PROBE).status_code == 401
    studio.sign_in()
    assert studio.call("GET", PROBE).status_code == 200
