"""Fuzzing: generated input for the test suite, a bounded number of examples there and minutes of them in `make fuzz`.

FUZZ_MINUTES is how long all fuzz tests take together; unset, each tries a few examples. What an example may cost is the
same in both. A failing example is printed, kept in .hypothesis/, and tried first the next time.
"""

import functools
import os
import signal
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

FUZZ_MINUTES: Final = float(os.environ.get("FUZZ_MINUTES") or 0)
# Twelve shares are the whole: four each for HTTP heads, for file bytes and for providers' answers.
SHARES: Final = 12
# What a part of an example may take. The processor time, on which the machine's other work has no influence, is that of
# all threads, the server's that answers included.
MAX_SECONDS: Final = 5.0
MAX_BYTES: Final = 64 * 1024 * 1024
# After this long it never ends: it is stopped, and shown.
MAX_WALL_SECONDS: Final = 30.0
# Hypothesis remembers what it has tried, so a long run consists of rounds.
EXAMPLES_PER_ROUND: Final = 100

LARGE_REPR: Final = "ignore:Generating overly large repr"

Test = TypeVar("Test", bound=Callable[..., None])
tried: Counter[str] = Counter()


class OutOfTime(SystemExit):
    """An example did not end in time. No Exception, since the portal survives those."""


def fuzz(examples: int, shares: float = 1.0) -> Callable[[Test], Any]:
    """Decorates a test of hypothesis: `examples` in the suite, or these shares of FUZZ_MINUTES, in rounds."""

    def decorate(test: Test) -> Any:
        inner = test.hypothesis.inner_test  # type: ignore[attr-defined]

        @functools.wraps(inner)
        def counted(*args: Any, **values: Any) -> None:
            tried["examples"] += 1
            inner(*args, **values)

        test.hypothesis.inner_test = counted  # type: ignore[attr-defined]
        bounded = settings(
            max_examples=EXAMPLES_PER_ROUND if FUZZ_MINUTES else examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
            derandomize=False,
            phases=set(Phase) - {Phase.explain},  # It traces every line, which takes minutes.
        )(test)

        @functools.wraps(bounded)
        def run(*args: Any, **fixtures: Any) -> None:
            tried.clear()
            begun = time.monotonic()
            while True:
                bounded(*args, **fixtures)
                minutes = (time.monotonic() - begun) / 60
                if minutes >= FUZZ_MINUTES * shares / SHARES:
                    break
            counts = ", ".join(f"{count} {name}" for name, count in tried.items())
            print(f"\n{test.__name__}: {minutes:.1f} minutes, {counts}")

        for mark in (pytest.mark.slow(seconds=6), pytest.mark.timeout(0), pytest.mark.filterwarnings(LARGE_REPR)):
            run = mark(run)
        return run

    return decorate


@contextmanager
def within_bounds(name: str, *, max_bytes: int = MAX_BYTES, max_seconds: float = MAX_SECONDS) -> Iterator[None]:
    """The block, a part of an example that is counted under this name, takes at most `max_seconds` and `max_bytes`.

    The memory is what Python's allocators gave meanwhile, in all threads. Raises OutOfTime, AssertionError.
    """
    tried[name] += 1
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, MAX_WALL_SECONDS)
    tracemalloc.start()
    begun = time.process_time()
    try:
        yield
        seconds, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert seconds < max_seconds
    assert peak < max_bytes


def _give_up(number: int, frame: FrameType | None) -> None:
    raise OutOfTime("It does not end.")
