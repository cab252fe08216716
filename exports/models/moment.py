"""The time all processes agree on: the database's, where a machine's own clock differs from it."""

from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

# Within this much the clocks of a machine and of its database agree.
NEAR: Final = timedelta(seconds=0.25)

_ahead = timedelta(0)


def now() -> datetime:
    """The time, with zone: the database's, as far as `align` knows it."""
    return timezone.now() + _ahead


def align() -> None:
    """Learns how far the database's clock is ahead of this machine's: workers whose clocks differ must agree on what
    is due and on when a lease ends. The embedded database has no clock but this machine's.
    """
    global _ahead
    if connection.vendor != "postgresql":
        return
    begun = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        said: datetime = cursor.fetchone()[0]
    ahead = said - (begun + (timezone.now() - begun) / 2)
    _ahead = ahead if abs(ahead) > NEAR else timedelta(0)
