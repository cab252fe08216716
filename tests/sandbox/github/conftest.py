"""A small client of the GitHub stand-in. It shares no code with the portal's, on purpose."""

import time
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import TIMEOUT_SECONDS

ACME = "/orgs/acme/migrations"


class GitHubClient:
    """GitHub's API with a classic token."""

    def __init__(self, sandbox: Sandbox, token: str = "sandbox-token", prefix: str = "") -> None:
        self.sandbox, self.origin = sandbox, sandbox.origin("github") + prefix
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        address = self.origin + path
        more = {"allow_redirects": False, **more}
        return requests.request(method, address, headers=self.headers, timeout=TIMEOUT_SECONDS, **more)

    def start(self, path: str = ACME, *names: str, **fields: Any) -> int:
        answer = self.call("POST", path, json={"repositories": list(names or ["acme/website"]), **fields})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def exported(self, path: str = ACME, *names: str, **fields: Any) -> int:
        """Starts a migration and waits until it is exported."""
        id_ = self.start(path, *names, **fields)
        end = time.monotonic() + TIMEOUT_SECONDS
        while self.call("GET", f"{path}/{id_}").json()["state"] != "exported":
            assert time.monotonic() < end
        return id_

    def archive(self, id_: int, path: str = ACME) -> requests.Response:
        return self.call("GET", f"{path}/{id_}/archive")


@pytest.fixture
def github(sandbox: Sandbox) -> GitHubClient:
    return GitHubClient(sandbox)
