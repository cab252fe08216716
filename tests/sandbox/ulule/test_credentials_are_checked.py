"""OAuth2 beside API keys."""

import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import TIMEOUT_SECONDS


def probe(sandbox: Sandbox, authorization: str) -> requests.Response:
    headers = {"Authorization": authorization}
    return requests.get(sandbox.origin("ulule") + "/v1/me", headers=headers, timeout=TIMEOUT_SECONDS)


def refresh(sandbox: Sandbox, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    auth = ("sandbox-client", "sandbox-secret")
    return requests.post(sandbox.origin("ulule") + "/oauth2/token/", data=form, auth=auth, timeout=TIMEOUT_SECONDS)


def test_ulule_gives_an_access_token_for_the_refresh_token(sandbox: Sandbox) -> None:
    given = refresh(sandbox, "sandbox-refresh").json()
    assert (given["expires_in"], given["token_type"], given["refresh_token"]) == (36000, "Bearer", "sandbox-refresh")
    assert probe(sandbox, f"Bearer {given['access_token']}").status_code == 200
    sandbox.expire_tokens()
    assert probe(sandbox, f"Bearer {given['access_token']}").status_code == 401


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
