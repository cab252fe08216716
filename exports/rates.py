"""Request rates: who asks too often is told when to ask again. Kept in the memory of each web process.

See docs/decisions/0009-request-rates.md for why, and for what several processes mean.
"""

import threading
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.http import HttpRequest

from exports.engine import clock

MOST_KEYS: Final = 20_000


class TooManyError(Exception):
    """Asked too often. The text is for a person; `seconds` (at least 1) until the next request is taken."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = max(1, -int(-seconds // 1))
        super().__init__(f"{message} Ask again in {self.seconds} s.")


@dataclass
class Rate:
    """So many requests `a_second` for each key in the long run, and up to `at_once` after a rest.

    The generic cell rate algorithm: of each key only the time is kept at which it has rested enough. Keys that have
    are forgotten when there are many.
    """

    a_second: float
    at_once: int
    rested_at: dict[str, float] = field(default_factory=dict, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self, key: str, now: float | None = None) -> float:
        """Counts a request. Returns 0, or the seconds to wait, and then it does not count."""
        now = clock.ticks() if now is None else now
        with self.lock:
            if seconds := self._wait(key, now):
                return seconds
            if key not in self.rested_at and len(self.rested_at) >= MOST_KEYS:
                self._tidy(now)
            self.rested_at[key] = max(now, self.rested_at.get(key, now)) + 1 / self.a_second
            return 0.0

    def wait(self, key: str, now: float | None = None) -> float:
        """What `take` would return, without counting."""
        return self._wait(key, clock.ticks() if now is None else now)

    def knows(self, key: str) -> bool:
        """Whether it has counted this key lately."""
        return key in self.rested_at

    def _wait(self, key: str, now: float) -> float:
        ahead = self.rested_at.get(key, now) - now
        seconds = ahead - (self.at_once - 1) / self.a_second
        return seconds if seconds > 1e-6 else 0.0  # sums of fractions are never exact

    def _tidy(self, now: float) -> None:
        """Forgets who has rested; if nobody has, everybody: better to let some through than to grow without end."""
        busy = {key: at for key, at in self.rested_at.items() if at > now}
        self.rested_at = busy if len(busy) < MOST_KEYS else {}


# Of one token. Reading: twice what the contract promises. Writing: five thousand exports asked for at once pass.
READS: Final = Rate(a_second=200, at_once=400)
WRITES: Final = Rate(a_second=100, at_once=6_000)
# Of one address: requests with no token or a bad one, and hints of providers.
STRANGERS: Final = Rate(a_second=5, at_once=100)
HINTS: Final = Rate(a_second=100, at_once=1_000)


def place(request: HttpRequest) -> str:
    """Where a request comes from, as a key: its address, of IPv6 the network, which one client may have all of."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return ""  # over a Unix socket
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return str(address)


def forget() -> None:
    """Begins anew, for tests."""
    for rate in (READS, WRITES, STRANGERS, HINTS):
        rate.rested_at.clear()
