"""Throttling of requests by token and by client address. Each web process keeps its own counts in memory.

docs/decisions/0009-request-rates.md has the reasons, and what several processes mean for the limits.
"""

import threading
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.http import HttpRequest

from exports import clock
from exports.http.client_address import client_address

MAX_KEYS: Final = 20_000


class ThrottledError(Exception):
    """Too many requests. The text is for a person; `seconds` (whole, at least 1) until the next one is accepted."""

    def __init__(self, message: str, seconds: float) -> None:
        self.seconds = max(1, -int(-seconds // 1))
        super().__init__(f"{message} Ask again in {self.seconds} s.")


@dataclass
class RateLimiter:
    """Allows each key `per_second` requests on average, and `burst` at once after a pause.

    The generic cell rate algorithm: each key has one number, the time (`clock.monotonic`) from which on a full burst
    is allowed. Above MAX_KEYS keys, those past that time are dropped.
    """

    per_second: float
    burst: int
    full_again_at: dict[str, float] = field(default_factory=dict, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def acquire(self, key: str, now: float | None = None) -> float:
        """Counts a request and returns 0, or returns the seconds to wait without counting it."""
        now = clock.monotonic() if now is None else now
        with self.lock:
            if seconds := self._wait(key, now):
                return seconds
            if key not in self.full_again_at and len(self.full_again_at) >= MAX_KEYS:
                self._drop_idle_keys(now)
            self.full_again_at[key] = max(now, self.full_again_at.get(key, now)) + 1 / self.per_second
            return 0.0

    def seconds_to_wait(self, key: str, now: float | None = None) -> float:
        """Returns what `acquire` would return, without counting a request."""
        return self._wait(key, clock.monotonic() if now is None else now)

    def has_seen(self, key: str) -> bool:
        """Whether a request of this key has been counted lately."""
        return key in self.full_again_at

    def _wait(self, key: str, now: float) -> float:
        backlog = self.full_again_at.get(key, now) - now
        seconds = backlog - (self.burst - 1) / self.per_second
        return seconds if seconds > 1e-6 else 0.0  # tolerance for rounding errors of floating-point sums

    def _drop_idle_keys(self, now: float) -> None:
        """Drops the keys that may burst again. If there are none, drops all keys, so that memory stays bounded."""
        busy = {key: at for key, at in self.full_again_at.items() if at > now}
        self.full_again_at = busy if len(busy) < MAX_KEYS else {}


# Per token. Reads: twice what the API promises. Writes: a burst of 5 000 new exports passes.
TOKEN_READS: Final = RateLimiter(per_second=200, burst=400)
TOKEN_WRITES: Final = RateLimiter(per_second=100, burst=6_000)
# Per client address: requests without a valid token, and webhooks of providers.
ANONYMOUS: Final = RateLimiter(per_second=5, burst=100)
WEBHOOKS: Final = RateLimiter(per_second=100, burst=1_000)


def client_key(request: HttpRequest) -> str:
    """Returns the key of a client: its IPv4 address, or its IPv6 /64 network, since one client may have all of it.

    Returns "" when the address is unknown (over a Unix socket).
    """
    text = client_address(request)
    if text is None:
        return ""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or int(address) >> 64)
    return text


def reset() -> None:
    """Clears all counts, for tests."""
    for rate in (TOKEN_READS, TOKEN_WRITES, ANONYMOUS, WEBHOOKS):
        rate.full_again_at.clear()
