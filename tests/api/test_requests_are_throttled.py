"""Clients above the documented rates get 429 with the time of the next request; others never do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from exports import clock
from exports.http import throttling
from exports.http.throttling import RateLimiter
from exports.models import Member, Token
from exports.queue import inbound_webhooks
from tests.api.conftest import PROBLEM, ApiClient
from tests.helpers import factories
from tests.helpers.cast import Cast


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that stands still: time["now"] moves it."""
    held = {"now": 1000.0}
    monkeypatch.setattr(clock, "monotonic", lambda: held["now"])
    return held


def taken(rate: RateLimiter, key: str, begin: float, seconds: float, each: int) -> int:
    """How many of so many a second are let through."""
    moments = [begin + number / each for number in range(int(seconds * each))]
    return sum(rate.acquire(key, moment) == 0 for moment in moments)


def test_the_documented_rate_is_always_allowed() -> None:
    assert taken(throttling.TOKEN_READS, "a", 0, 60, 100) == 6_000
    assert taken(throttling.TOKEN_WRITES, "a", 0, 60, 84) == 5_040  # five thousand exports in a minute
    assert sum(throttling.TOKEN_WRITES.acquire("b", 0) == 0 for _ in range(5_000)) == 5_000  # or all at once


def test_the_rate_holds_over_a_long_time() -> None:
    rate = RateLimiter(per_second=10, burst=20)
    assert taken(rate, "a", 0, 100, 50) == pytest.approx(1_020, abs=2)
    assert rate.acquire("a", 99.98) > 0
    assert rate.acquire("b", 100) == 0, "another's"
    assert rate.acquire("a", 100.2) == 0


def test_the_answer_says_exactly_when_the_next_request_is_accepted() -> None:
    rate = RateLimiter(per_second=0.5, burst=1)
    assert (rate.acquire("a", 0), rate.acquire("a", 0.5)) == (0, 1.5)
    assert rate.seconds_to_wait("a", 1.99) > 0
    assert rate.acquire("a", 2) == 0


def test_the_memory_of_the_throttle_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttling, "MAX_KEYS", 100)
    rate = RateLimiter(per_second=1, burst=2)
    for number in range(1_000):
        rate.acquire(f"key {number}", number / 10)
        assert len(rate.full_again_at) <= 100


def test_a_token_that_reads_too_often_gets_429_with_retry_after(member_api: ApiClient, time: dict[str, float]) -> None:
    assert member_api.get("/me").status_code == 200
    throttling.TOKEN_READS.full_again_at[Token.digest_of(member_api.token)] = time["now"] + 10
    with CaptureQueriesContext(connection) as queries:
        answer = member_api.get("/me")
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (429, PROBLEM, "9")
    assert answer.json()["detail"] == "A token may read 200 times a second in the long run. Ask again in 9 s."
    assert not queries.captured_queries
    assert member_api.post("/exports/1/cancel").status_code == 404, "writing is counted by itself"
    time["now"] += 9
    assert member_api.get("/me").status_code == 200


def test_a_read_costs_no_write(member_api: ApiClient) -> None:
    member_api.get("/me")  # notes that the token is used, once a minute
    with CaptureQueriesContext(connection) as queries:
        assert member_api.get("/me").status_code == 200
    assert [query["sql"].split()[0] for query in queries.captured_queries] == ["SELECT"]


def test_guessed_tokens_are_throttled_and_valid_ones_are_not(
    api: Callable[..., ApiClient], member: Member, owner: Member, time: dict[str, float]
) -> None:
    known, late, nobody, guess = api(member), api(owner), api(None), api(None)
    assert known.get("/me").status_code == 200
    guess.token = "ep_nothing"
    answers = [(nobody if number % 2 else guess).get("/me") for number in range(throttling.ANONYMOUS.burst + 1)]
    assert [answer.status_code for answer in answers] == [401] * throttling.ANONYMOUS.burst + [429]
    assert answers[-1]["Retry-After"] == "1"
    assert "Check the token" in answers[-1].json()["detail"]
    with CaptureQueriesContext(connection) as queries:
        assert late.get("/me").status_code == 429, "a token this process has not seen"
    assert not queries.captured_queries
    assert known.get("/me").status_code == 200
    time["now"] += 1
    assert late.get("/me").status_code == 200


def test_guesses_from_one_address_do_not_throttle_another(api: Callable[..., ApiClient], member: Member) -> None:
    throttling.ANONYMOUS.full_again_at["192.0.2.7"] = clock.monotonic() + 1_000
    sent: dict[str, Any] = {"headers": {"authorization": f"Bearer {Token.issue(member)}"}}
    assert Client().get("/api/v1/me", **sent, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert Client().get("/api/v1/me", **sent).status_code == 200
    assert Client().get("/api/v1/me", **sent, REMOTE_ADDR="192.0.2.7").status_code == 200, "known by now"


def test_webhooks_from_one_address_are_throttled_whatever_their_signature(
    cast: Cast, client: Client, time: dict[str, float]
) -> None:
    export = factories.processing_export(cast)
    good, bad = f"/hooks/{export.pk}/{inbound_webhooks.url_signature(export.pk)}", f"/hooks/{export.pk}/wrong"
    throttling.WEBHOOKS.full_again_at["127.0.0.1"] = (
        time["now"] + throttling.WEBHOOKS.burst / throttling.WEBHOOKS.per_second + 4
    )
    answers: list[Any] = [client.post(path, b"x" * 100_000, "text/plain") for path in (good, bad, "/hooks/nonsense")]
    assert len({(answer.status_code, answer["Retry-After"], answer.content) for answer in answers}) == 1
    assert (answers[0].status_code, answers[0]["Retry-After"]) == (429, "5")
    assert client.post(good, REMOTE_ADDR="192.0.2.7").status_code == 204
    time["now"] += 5
    assert [client.post(path).status_code for path in (good, bad, "/hooks/nonsense")] == [204, 204, 204]


@pytest.mark.parametrize(
    ("header", "said", "place"),
    [
        ("", "192.0.2.7", "127.0.0.1"),
        ("X-Forwarded-For", "192.0.2.7", "192.0.2.7"),
        ("X-Forwarded-For", "10.0.0.1, 192.0.2.7", "192.0.2.7"),
        ("X-Forwarded-For", "nonsense", "127.0.0.1"),
        ("X-Forwarded-For", "::ffff:192.0.2.7", "192.0.2.7"),
        ("X-Real-IP", "2001:db8:1:2::1", str(0x20010DB800010002)),
    ],
)
def test_the_address_is_the_connections_or_the_trusted_proxys(
    client: Client, db: None, settings: Settings, header: str, said: str, place: str
) -> None:
    settings.PROXY_ADDRESS_HEADER = header
    client.post("/hooks/nonsense", headers={"X-Forwarded-For": said, "X-Real-IP": said})
    assert throttling.WEBHOOKS.has_seen(place)
