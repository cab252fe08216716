"""It publishes no rate limits."""

from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_no_headers_tell_a_limit(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    studio = client("aistudios").call("GET", "/api/odin/v3/auth")
    assert not [name for name in studio.headers if name.lower().startswith("x-ratelimit")]
