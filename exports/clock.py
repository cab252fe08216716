"""The time that all processes agree on (the database's, where a machine's clock differs), jitter and backoff."""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone
from django.utils.dateparse import parse_datetime

# A smaller difference between the clocks of a machine and of its database does not matter.
MAX_IGNORED_SKEW: Final = timedelta(seconds=0.25)

_database_offset = timedelta(0)


def now() -> datetime:
    """The time, with zone, corrected by what `sync_with_database` measured last."""
    return timezone.now() + _database_offset


def sync_with_database() -> None:
    """Measures how far the database's clock is ahead of this machine's.

    Workers whose clocks differ must agree on what is due and on when a lease ends. SQLite uses this machine's clock.
    """
    global _database_offset
    if connection.vendor != "postgresql":
        return
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        database_now: datetime = cursor.fetchone()[0]
    ahead = database_now - (before + (timezone.now() - before) / 2)
    _database_offset = ahead if abs(ahead) > MAX_IGNORED_SKEW else timedelta(0)


def from_column(at: datetime | str) -> datetime:
    """The time in a column as raw SQL returns it; SQLite returns text. Raises ValueError when it is no time."""
    time = parse_datetime(at) if isinstance(at, str) else at
    if time is None:
        raise ValueError(at)
    return time if timezone.is_aware(time) else time.replace(tzinfo=UTC)


def seconds_from_now(seconds: float) -> datetime:
    """The time `seconds` after now; a negative number for the past."""
    return now() + timedelta(seconds=seconds)


def monotonic() -> float:
    """Seconds of a clock that never goes back, and that counts on while the machine is suspended, as leases do."""
    return time.clock_gettime(_MONOTONIC_CLOCK)


_MONOTONIC_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def with_jitter(seconds: float) -> float:
    """The seconds ±20 %, so that what started at the same moment spreads out."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  spreads load, hides nothing


def backoff(consecutive_failures: int, base_seconds: float = 2.0, max_seconds: float = 300.0) -> float:
    """Seconds to wait after so many failures in a row: doubles up to `max_seconds`; 50 to 100 % of it by chance."""
    longest: float = min(max_seconds, base_seconds * 2.0 ** min(consecutive_failures, 12))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311


def growing_pause(waited: float, shortest: float = 2.0, longest: float = 30.0) -> float:
    """Seconds to wait after `waited` seconds of waiting: about as long again, between `shortest` and `longest`."""
    return with_jitter(min(max(waited, shortest), longest))
