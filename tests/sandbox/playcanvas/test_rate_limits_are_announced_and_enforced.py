"""Its documented rate limits."""

import time
from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_playcanvas_tells_what_is_left_and_refuses_the_sixth_job_of_a_minute(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    play = client("playcanvas")
    answers = [play.submit() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"5"}
    assert 0 < int(answers[-1].headers["X-RateLimit-Reset"]) - time.time() <= 61
    assert answers[-1].json() == {"error": "Too many requests"}
    assert sandbox.jobs("playcanvas", "100001") == 5
    assert sandbox.ledger()["rate_limited"]["playcanvas"] == 1
