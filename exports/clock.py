"""The time all processes agree on: the database's, where a machine's own clock differs from it. Pauses and jitter."""

import random
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

# Within this much the clocks of a machine and of its database agree.
MAX_IGNORED_SKEW: Final = timedelta(seconds=0.25)

_database_offset = timedelta(0)


def now() -> datetime:
    """The time, with zone: the database's, as far as `align` knows it."""
    return timezone.now() + _database_offset


def sync_with_database() -> None:
    """Learns how far the database's clock is ahead of this machine's: workers whose clocks differ must agree on what
    is due and on when a lease ends. The embedded database has no clock but this machine's.
    """
    global _database_offset
    if connection.vendor != "postgresql":
        return
    begun = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        said: datetime = cursor.fetchone()[0]
    ahead = said - (begun + (timezone.now() - begun) / 2)
    _database_offset = ahead if abs(ahead) > MAX_IGNORED_SKEW else timedelta(0)


def seconds_from_now(seconds: float) -> datetime:
    """The time in so many seconds."""
    return now() + timedelta(seconds=seconds)


def monotonic() -> float:
    """Seconds for measuring what has passed. They go on while the machine sleeps, as leases do."""
    return time.clock_gettime(_TICKS)


_TICKS: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def with_jitter(seconds: float) -> float:
    """±20 %, so that what began together does not stay together."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  spreads load, hides nothing


def backoff(consecutive_failures: int, base_seconds: float = 2.0, max_seconds: float = 300.0) -> float:
    """Seconds to wait after so many consecutive_failures in a row: doubling, with jitter, at least half of the full pause."""
    full: float = min(max_seconds, base_seconds * 2.0 ** min(consecutive_failures, 12))
    return full * random.uniform(0.5, 1.0)  # noqa: S311
