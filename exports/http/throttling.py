"""Request rates: who asks too often is told when to ask again. Kept in the memory of each web process.

See docs/decisions/0009-request-rates.md for why, and for what several processes mean.
"""

import threading
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.http import HttpRequest

from exports import clock

MAX_KEYS: Final = 20_000


class ThrottledError(Exception):
    """Asked too often. The text is for a person; `seconds` (at least 1) until the next request is taken."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = max(1, -int(-seconds // 1))
        super().__init__(f"{message} Ask again in {self.seconds} s.")


@dataclass
class RateLimiter:
    """So many requests `a_second` for each key in the long run, and up to `at_once` after a rest.

    The generic cell rate algorithm: of each key only the time is kept at which it has rested enough. Keys that have
    are forgotten when there are many.
    """

    per_second: float
    burst: int
    full_again_at: dict[str, float] = field(default_factory=dict, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def acquire(self, key: str, now: float | None = None) -> float:
        """Counts a request. Returns 0, or the seconds to wait, and then it does not count."""
        now = clock.monotonic() if now is None else now
        with self.lock:
            if seconds := self._wait(key, now):
                return seconds
            if key not in self.full_again_at and len(self.full_again_at) >= MAX_KEYS:
                self._tidy(now)
            self.full_again_at[key] = max(now, self.full_again_at.get(key, now)) + 1 / self.per_second
            return 0.0

    def seconds_to_wait(self, key: str, now: float | None = None) -> float:
        """What `take` would return, without counting."""
        return self._wait(key, clock.monotonic() if now is None else now)

    def has_seen(self, key: str) -> bool:
        """Whether it has counted this key lately."""
        return key in self.full_again_at

    def _wait(self, key: str, now: float) -> float:
        ahead = self.full_again_at.get(key, now) - now
        seconds = ahead - (self.burst - 1) / self.per_second
        return seconds if seconds > 1e-6 else 0.0  # sums of fractions are never exact

    def _tidy(self, now: float) -> None:
        """Forgets who has rested; if nobody has, everybody: better to let some through than to grow without end."""
        busy = {key: at for key, at in self.full_again_at.items() if at > now}
        self.full_again_at = busy if len(busy) < MAX_KEYS else {}


# Of one token. Reading: twice what the contract promises. Writing: five thousand exports asked for at once pass.
TOKEN_READS: Final = RateLimiter(per_second=200, burst=400)
TOKEN_WRITES: Final = RateLimiter(per_second=100, burst=6_000)
# Of one address: requests with no token or a bad one, and hints of providers.
ANONYMOUS: Final = RateLimiter(per_second=5, burst=100)
WEBHOOKS: Final = RateLimiter(per_second=100, burst=1_000)


def client_key(request: HttpRequest) -> str:
    """Where a request comes from, as a key: its address, of IPv6 the network, which one client may have all of."""
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return ""  # over a Unix socket
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return str(address)


def reset() -> None:
    """Begins anew, for tests."""
    for rate in (TOKEN_READS, TOKEN_WRITES, ANONYMOUS, WEBHOOKS):
        rate.full_again_at.clear()
