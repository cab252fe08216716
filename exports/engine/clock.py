"""The engine's clock, in one place."""

import random
import time
from datetime import datetime, timedelta
from typing import Final

from exports.models.moment import align, now

__all__ = ["after", "align", "backoff", "jittered", "now", "ticks"]


def after(seconds: float) -> datetime:
    """The time in so many seconds."""
    return now() + timedelta(seconds=seconds)


def ticks() -> float:
    """Seconds for measuring what has passed. They go on while the machine sleeps, as leases do."""
    return time.clock_gettime(_TICKS)


_TICKS: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def jittered(seconds: float) -> float:
    """±20 %, so that what began together does not stay together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  spreads load, hides nothing


def backoff(misses: int, first: float = 2.0, most: float = 300.0) -> float:
    """Seconds to wait after so many misses in a row: doubling, with jitter, at least half of the full pause."""
    full: float = min(most, first * 2.0 ** min(misses, 12))
    return full * random.uniform(0.5, 1.0)  # noqa: S311
