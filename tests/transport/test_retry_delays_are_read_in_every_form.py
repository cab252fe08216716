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
        ({}, 60),
    ],
    ids=str,
)
def test_a_delay_is_between_a_second_and_an_hour(head: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(head, NOW) == pytest.approx(seconds, abs=1)


def test_a_date_counts_from_now() -> None:
    assert 20 < retry_after_seconds({"Retry-After": formatdate(time.time() + 30, usegmt=True)}) <= 30
