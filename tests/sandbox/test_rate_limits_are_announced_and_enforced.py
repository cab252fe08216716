"""Rate limits of the stand-ins: as published, switched off, or scaled."""

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


def test_reading_has_a_limit_of_its_own(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    play = client("playcanvas")
    job = play.start()
    assert play.poll(job).headers["X-RateLimit-Limit"] == "120"


def test_a_new_window_starts_when_the_old_one_is_over(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.2, window=2.0)
    play = client("playcanvas")
    assert [play.submit().status_code for _ in range(2)] == [200, 429]
    time.sleep(2.05)
    assert play.submit().status_code == 200


def test_the_limits_can_be_read(client: Make, sandbox: Sandbox) -> None:
    play = client("playcanvas")
    sandbox.settings(limits=2.0)
    assert play.call("GET", "/api/ratelimits").json()["limits"]["strict"] == 10
    sandbox.settings(limits="off")
    answer = play.call("GET", "/api/ratelimits")
    assert answer.json()["limits"]["strict"] == 1_000_000
    assert "X-RateLimit-Limit" not in answer.headers


def test_each_token_has_a_budget_of_its_own(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.2)
    first, second = client("playcanvas"), client("playcanvas")
    second.http.headers["Authorization"] = "Bearer sandbox-token-2"
    assert [first.submit().status_code, first.submit().status_code, second.submit().status_code] == [200, 429, 200]


def test_toloka_refuses_without_saying_when_to_come_back(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.01)
    toloka = client("toloka")
    answers = [toloka.call("GET", "/api/v1/requester") for _ in range(5)]
    assert 429 in [answer.status_code for answer in answers]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["code"] == "TOO_MANY_REQUESTS"
    assert "Retry-After" not in refused.headers


def test_ulule_shows_its_old_headers_and_ai_studios_none(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    answer = client("ulule").call("GET", "/v1/me")
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("1000", "999")
    studio = client("aistudios").call("GET", "/api/odin/v3/auth")
    assert not [name for name in studio.headers if name.lower().startswith("x-ratelimit")]
