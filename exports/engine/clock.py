"""The engine's clock, in one place."""

import random
from datetime import datetime, timedelta

from django.utils import timezone


def now() -> datetime:
    """The time, with zone."""
    return timezone.now()


def after(seconds: float) -> datetime:
    """The time in so many seconds."""
    return timezone.now() + timedelta(seconds=seconds)


def jittered(seconds: float) -> float:
    """±20 %, so that what began together does not stay together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  spreads load, hides nothing


def backoff(misses: int, first: float = 2.0, most: float = 300.0) -> float:
    """Seconds to wait after so many misses in a row: doubling, with jitter, at least half of the full pause."""
    full: float = min(most, first * 2.0 ** min(misses, 12))
    return full * random.uniform(0.5, 1.0)  # noqa: S311
