"""Who asks too often is told when to ask again; nobody who keeps within the contract ever is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from exports import rates
from exports.engine import clock, hooks
from exports.models import Member, Token
from exports.rates import Rate
from tests.api.conftest import PROBLEM, Api
from tests.cast import Cast
from tests.web import made


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A clock that stands still: time["now"] moves it."""
    held = {"now": 1000.0}
    monkeypatch.setattr(clock, "ticks", lambda: held["now"])
    return held


def taken(rate: Rate, key: str, begin: float, seconds: float, each: int) -> int:
    """How many of so many a second are let through."""
    moments = [begin + number / each for number in range(int(seconds * each))]
    return sum(rate.take(key, moment) == 0 for moment in moments)


def test_what_the_contract_promises_is_let_through_whatever_happens() -> None:
    assert taken(rates.READS, "a", 0, 60, 100) == 6_000
    assert taken(rates.WRITES, "a", 0, 60, 84) == 5_040  # five thousand exports in a minute
    assert sum(rates.WRITES.take("b", 0) == 0 for _ in range(5_000)) == 5_000  # or all at once


def test_in_the_long_run_the_rate_holds() -> None:
    rate = Rate(a_second=10, at_once=20)
    assert taken(rate, "a", 0, 100, 50) == pytest.approx(1_020, abs=2)
    assert rate.take("a", 99.98) > 0
    assert rate.take("b", 100) == 0, "another's"
    assert rate.take("a", 100.2) == 0


def test_it_says_exactly_when_the_next_is_taken() -> None:
    rate = Rate(a_second=0.5, at_once=1)
    assert (rate.take("a", 0), rate.take("a", 0.5)) == (0, 1.5)
    assert rate.wait("a", 1.99) > 0
    assert rate.take("a", 2) == 0


def test_what_it_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_KEYS", 100)
    rate = Rate(a_second=1, at_once=2)
    for number in range(1_000):
        rate.take(f"key {number}", number / 10)
        assert len(rate.rested_at) <= 100


def test_a_token_that_reads_too_often_hears_when_to_go_on(mine: Api, time: dict[str, float]) -> None:
    assert mine.get("/me").status_code == 200
    rates.READS.rested_at[Token.digest_of(mine.token)] = time["now"] + 10
    with CaptureQueriesContext(connection) as queries:
        answer = mine.get("/me")
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (429, PROBLEM, "9")
    assert answer.json()["detail"] == "A token may read 200 times a second in the long run. Ask again in 9 s."
    assert not queries.captured_queries
    assert mine.post("/exports/1/cancel").status_code == 404, "writing is counted by itself"
    time["now"] += 9
    assert mine.get("/me").status_code == 200


def test_a_read_costs_no_write(mine: Api) -> None:
    mine.get("/me")  # notes that the token is used, once a minute
    with CaptureQueriesContext(connection) as queries:
        assert mine.get("/me").status_code == 200
    assert [query["sql"].split()[0] for query in queries.captured_queries] == ["SELECT"]


def test_guessing_is_slowed_and_holds_up_nobody_who_is_known(
    api: Callable[..., Api], member: Member, owner: Member, time: dict[str, float]
) -> None:
    known, late, nobody, guess = api(member), api(owner), api(None), api(None)
    assert known.get("/me").status_code == 200
    guess.token = "ep_nothing"
    answers = [(nobody if number % 2 else guess).get("/me") for number in range(rates.STRANGERS.at_once + 1)]
    assert [answer.status_code for answer in answers] == [401] * rates.STRANGERS.at_once + [429]
    assert answers[-1]["Retry-After"] == "1"
    assert "Check the token" in answers[-1].json()["detail"]
    with CaptureQueriesContext(connection) as queries:
        assert late.get("/me").status_code == 429, "a token this process has not seen"
    assert not queries.captured_queries
    assert known.get("/me").status_code == 200
    time["now"] += 1
    assert late.get("/me").status_code == 200


def test_guessing_elsewhere_holds_up_nobody_here(api: Callable[..., Api], member: Member) -> None:
    rates.STRANGERS.rested_at["192.0.2.7"] = clock.ticks() + 1_000
    sent: dict[str, Any] = {"headers": {"authorization": f"Bearer {Token.make(member)}"}}
    assert Client().get("/api/v1/me", **sent, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert Client().get("/api/v1/me", **sent).status_code == 200
    assert Client().get("/api/v1/me", **sent, REMOTE_ADDR="192.0.2.7").status_code == 200, "known by now"


def test_hints_of_one_address_are_bounded_whatever_their_mark(
    cast: Cast, client: Client, time: dict[str, float]
) -> None:
    export = made.processing(cast)
    good, bad = f"/hooks/{export.pk}/{hooks.mark(export.pk)}", f"/hooks/{export.pk}/wrong"
    rates.HINTS.rested_at["127.0.0.1"] = time["now"] + rates.HINTS.at_once / rates.HINTS.a_second + 4
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
def test_an_address_is_the_connections_or_what_a_trusted_proxy_says(
    client: Client, db: None, settings: Settings, header: str, said: str, place: str
) -> None:
    settings.PROXY_ADDRESS_HEADER = header
    client.post("/hooks/nonsense", headers={"X-Forwarded-For": said, "X-Real-IP": said})
    assert rates.HINTS.knows(place)
