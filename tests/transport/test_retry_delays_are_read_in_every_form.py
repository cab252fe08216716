"""The delay after a 429 is read in every form in which providers send it, and has a default."""

import time
from email.utils import formatdate

import pytest

from exports.transport.responses import retry_after_seconds

NOW = 1_780_000_000.0


@pytest.mark.parametrize(
    ("head", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": formatdate(NOW + 30, usegmt=True)}, 30),
        ({"Retry-After": formatdate(NOW - 30, usegmt=True)}, 1),
        ({"Retry-After": "1000000000"}, 60),
        ({"Retry-After": "inf"}, 60),
        ({"Retry-After": "nan"}, 60),
        ({"Retry-After": "-5"}, 1),
        ({"Retry-After": "soon"}, 60),
        ({"Retry-After": ""}, 60),
        ({"X-RateLimit-Reset": str(int(NOW) + 20)}, 20),
        ({"X-RateLimit-Reset": str(int(NOW) - 3600)}, 1),
        ({"X-RateLimit-Reset": "45"}, 45),
        ({"X-RateLimit-Reset": "0"}, 60),
        ({"X-RateLimit-Reset": "tomorrow"}, 60),
        ({"Retry-After": "9", "X-RateLimit-Reset": str(int(NOW) + 20)}, 9),
        ({"RateLimit": '"default";r=0;t=30'}, 30),
        ({"RateLimit": "limit=100, remaining=0, reset=12"}, 12),
        ({"RateLimit": '"default";r=0;t=99999999999'}, 60),
        ({}, 60),
        # Other units: since 1970 or from now, whatever the header's name says.
        ({"X-RateLimit-Reset": str(int(NOW + 3) * 1000)}, 3),
        ({"X-RateLimit-Reset": str(int(NOW + 3) * 1_000_000)}, 3),
        ({"X-RateLimit-Reset": str(int(NOW + 3) * 1_000_000_000)}, 3),
        ({"X-RateLimit-Reset": f"{NOW + 3:.3f}"}, 3),
        ({"X-RateLimit-Reset": str(int(NOW - 3) * 1000)}, 1),
        ({"X-RateLimit-Reset": "2026-05-28T20:27:20Z"}, 40),
        ({"X-RateLimit-Reset": "2026-05-28T20:27:20"}, 40),
        ({"X-RateLimit-Reset": "Thu, 28 May 2026 20:27:20 GMT"}, 40),
        ({"Retry-After": str(int(NOW + 9))}, 9),
        ({"Retry-After": str(int(NOW + 9) * 1000)}, 9),
        ({"Retry-After": "30000"}, 30),
        ({"Retry-After": "120000"}, 120),
        ({"Retry-After": "30s"}, 30),
        ({"Retry-After": "1m30s"}, 90),
        ({"Retry-After": "250ms"}, 1),
        ({"Retry-After": "30 seconds"}, 30),
        ({"Retry-After": "30, 30"}, 30),
        ({"Retry-After": "0"}, 1),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After-Ms": "2500"}, 2.5),
        ({"RateLimit-Reset": "17"}, 17),
        # Real pauses of hours are an hour: then it is tried again.
        ({"Retry-After": "3600"}, 3600),
        ({"Retry-After": "7200"}, 3600),
        ({"Retry-After": "86400"}, 3600),
        ({"X-RateLimit-Reset": str(int(NOW) + 5 * 86_400)}, 3600),
        # Nonsense is no pause of an hour or a year.
        ({"Retry-After": "9" * 400}, 60),
        ({"Retry-After": "9" * 5000}, 60),
        ({"Retry-After": "1e400"}, 60),
        ({"Retry-After": "\xb2"}, 60),
        ({"Retry-After": "\u0667"}, 60),
        ({"Retry-After": "1_000"}, 60),
        ({"Retry-After": "31536000"}, 60),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, 60),
        ({"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, 60),
        ({"Retry-After": "9999-12-31T23:59:59+23:59"}, 60),
        ({"Retry-After": "9" * 9 + "d"}, 60),
        ({"X-RateLimit-Reset": str(int(NOW) + 366 * 86_400)}, 60),
        ({"X-RateLimit-Reset": "-1"}, 1),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "20"}, 20),
    ],
    ids=str,
)
def test_a_delay_is_between_a_second_and_an_hour(head: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(head, NOW) == pytest.approx(seconds, abs=1)


def test_times_count_from_the_providers_clock_where_the_answer_says_it() -> None:
    ahead = time.time() + 7200
    head = {"Date": formatdate(ahead, usegmt=True), "X-RateLimit-Reset": str(int(ahead) + 30)}
    assert 28 < retry_after_seconds(head) <= 31
    assert retry_after_seconds({**head, "Date": "today"}) == 3600


def test_a_date_counts_from_now() -> None:
    assert 20 < retry_after_seconds({"Retry-After": formatdate(time.time() + 30, usegmt=True)}) <= 30
