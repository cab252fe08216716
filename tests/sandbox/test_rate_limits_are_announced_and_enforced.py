"""Rate limits of the stand-ins: as published, switched off, or scaled."""

import time
from collections.abc import Callable

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES
from tests.sandbox.provider_clients import Client

Make = Callable[[str], Client]


def test_reading_has_a_limit_of_its_own(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits="published")
    play = client(ARCHIVES)
    job = play.start()
    assert play.poll(job).headers["X-RateLimit-Limit"] == "120"


def test_a_new_window_starts_when_the_old_one_is_over(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.2, window=2.0)
    play = client(ARCHIVES)
    assert [play.submit().status_code for _ in range(2)] == [200, 429]
    time.sleep(2.05)
    assert play.submit().status_code == 200


def test_the_limits_can_be_read(client: Make, sandbox: Sandbox) -> None:
    play = client(ARCHIVES)
    sandbox.settings(limits=2.0)
    assert play.call("GET", "/api/ratelimits").json()["limits"]["strict"] == 10
    sandbox.settings(limits="off")
    answer = play.call("GET", "/api/ratelimits")
    assert answer.json()["limits"]["strict"] == 1_000_000
    assert "X-RateLimit-Limit" not in answer.headers


def test_each_token_has_a_budget_of_its_own(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(limits=0.2)
    first, second = client(ARCHIVES), client(ARCHIVES)
    second.http.headers["Authorization"] = "Bearer sandbox-token-2"
    assert [first.submit().status_code, first.submit().status_code, second.submit().status_code] == [200, 429, 200]
