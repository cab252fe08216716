"""Its documented rate limit."""

from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_its_old_headers_are_shown(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    answer = client("ulule").call("GET", "/v1/me")
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("1000", "999")
