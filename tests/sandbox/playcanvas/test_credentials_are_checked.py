"""Its tokens have scopes."""

from collections.abc import Callable

from tests.sandbox.provider_clients import Client


def test_a_playcanvas_token_may_not_read_the_project_itself(client: Callable[[str], Client]) -> None:
    answer = client("playcanvas").call("GET", "/api/projects/100001")
    assert (answer.status_code, answer.json()) == (401, {"error": "Token does not have required scope"})
