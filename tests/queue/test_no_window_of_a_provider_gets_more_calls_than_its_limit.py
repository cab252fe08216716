"""Whenever the provider's windows begin, and however long calls are on their way, none gets more calls than its limit.

The provider is computed here: a window begins with the first call that arrives after the one before is over.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports import clock
from exports.models import RateWindow
from exports.queue import rate_limits, rate_windows

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS, LIMIT = 60.0, 20
WINDOWS = 25


def seconds(at: datetime) -> float:
    return (at - BEGIN).total_seconds()


@dataclass
class Provider:
    """Counts calls in windows, each from its first call on."""

    begins: list[float] = field(default_factory=list)
    calls: Counter[int] = field(default_factory=Counter)

    def take(self, arrivals: list[float]) -> None:
        for at in sorted(arrivals):
            if not self.begins or at >= self.begins[-1] + SECONDS:
                self.begins.append(at)
            self.calls[len(self.begins)] += 1


def simulate(seed: int, share: float, answer_seconds: float) -> tuple[Provider, list[float]]:
    """Calls at random for 25 minutes, so many of the limit a window on average. Returns the provider and each wait."""
    rng = random.Random(seed)
    now = [BEGIN]
    row = RateWindow(limit=LIMIT, seconds=SECONDS, window=0, opened_at=BEGIN, started_at=BEGIN, next_slot=LIMIT)
    row.opened_at = row.started_at = BEGIN - timedelta(seconds=SECONDS + 1)
    arrivals: list[float] = []
    answers: list[tuple[float, int]] = []
    waits: list[float] = []
    early = rate_windows.early_close(SECONDS).total_seconds()
    # Each is (time of the next attempt, time of the first one, the export).
    attempts = [(at, at, SimpleNamespace(rate_slot=None)) for at in arrival_times(rng, share)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: now[0])
        while attempts:
            attempts.sort(key=lambda one: one[0])
            at, first, export = attempts.pop(0)
            for answered, slot in sorted(one for one in answers if one[0] <= at):
                answers.remove((answered, slot))
                if not row.answered and slot // row.limit == row.window:
                    row.answered, row.started_at = True, BEGIN + timedelta(seconds=answered)
            now[0] = BEGIN + timedelta(seconds=at)
            wait = rate_limits._take_slot(cast("Any", export), row)
            if wait is not None:
                attempts.append((at + wait + rate_windows.CLOCK_MARGIN_SECONDS + 0.001, first, export))
                continue
            waits.append(at - first)
            arrivals.append(at + rng.uniform(0, early))
            answers.append((arrivals[-1] + rng.uniform(0, answer_seconds), export.rate_slot))
    provider = Provider()
    provider.take(arrivals)
    return provider, waits


def arrival_times(rng: random.Random, share: float) -> list[float]:
    """Some credentials are busy all the time, some in bursts with pauses between, some about once in a window."""
    at = 0.0
    times: list[float] = []
    burst, pause, edge = (rng.choice([0.0, 0.02, 0.1]) for _ in range(3))
    while at < WINDOWS * SECONDS and len(times) < 2 * WINDOWS * LIMIT:
        at += rng.expovariate(share * LIMIT / SECONDS)
        if rng.random() < pause:
            at += rng.uniform(0, 2.5 * SECONDS)
        if rng.random() < edge:
            at += SECONDS + rng.uniform(-2, 2)
        times += [at] * (rng.randint(2, 2 * LIMIT) if rng.random() < burst else 1)
    return times


@settings(max_examples=400)
@given(
    seed=st.integers(0, 2**32),
    share=st.sampled_from([0.02, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.6]),
    answer_seconds=st.sampled_from([0.0, 0.3, 5.0, 45.0]),
)
def test_at_any_load_and_with_any_delay(seed: int, share: float, answer_seconds: float) -> None:
    provider, _waits = simulate(seed, share, answer_seconds)
    assert max(provider.calls.values()) <= LIMIT


@pytest.mark.parametrize("seed", range(20))
def test_nobody_waits_where_little_of_the_limit_is_used(seed: int) -> None:
    rng = random.Random(seed)
    times = [number * SECONDS / (0.2 * LIMIT) + rng.uniform(0, 2) for number in range(100)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.arrival_times", lambda *_: times)
        provider, waits = simulate(seed, 0.2, 0.3)
    assert max(provider.calls.values()) <= LIMIT
    assert max(waits) == 0


def test_all_of_the_limit_is_used_where_all_is_wanted() -> None:
    """Ten minutes' worth of calls wait from the beginning: a window loses a moment at its end, and no place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.arrival_times", lambda *_: [0.0] * (10 * LIMIT))
        provider, waits = simulate(1, 1.0, 0.3)
    assert set(provider.calls.values()) == {LIMIT}
    assert max(waits) < 9 * (SECONDS + 1.5)


def test_a_window_that_carries_calls_outlasts_any_of_the_provider() -> None:
    """So no window of the provider has calls of three of ours, wherever it begins."""
    row = RateWindow(limit=LIMIT, seconds=SECONDS, opened_at=BEGIN, started_at=BEGIN)
    assert seconds(rate_windows.closes_at(row)) == SECONDS - 1
    row.carried_calls = 1
    assert seconds(rate_windows.closes_at(row)) == SECONDS + 1
