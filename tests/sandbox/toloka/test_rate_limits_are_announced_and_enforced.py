"""Its documented rate limit."""

from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_toloka_refuses_without_saying_when_to_come_back(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.01)
    changing = client("toloka")
    answers = [changing.call("GET", "/api/v1/requester") for _ in range(5)]
    assert 429 in [answer.status_code for answer in answers]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "TOO_MANY_REQUESTS"
    assert "Retry-After" not in refused.headers
