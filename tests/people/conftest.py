"""A clock for tests with codes that are valid for 30 seconds."""

import time
from collections.abc import Iterator

import pytest
import time_machine


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """The time is 3 seconds into a period of 30, so that no code expires during a test."""
    with time_machine.travel(time.time() // 30 * 30 + 3) as traveller:
        yield traveller
