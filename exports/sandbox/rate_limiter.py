"""Rate limits as the providers publish them: a number of requests per window and credential."""

import math
import time

from exports.sandbox.options import Settings

# Requests per window (a minute by default; Toloka's is a second). PlayCanvas: the free plan's numbers. Ulule's number
# is from its documents of 2014, which show the headers without a unit; AI Studios publishes none.
PUBLISHED_LIMITS = {
    ("playcanvas", "normal"): 120,
    ("playcanvas", "strict"): 5,
    ("playcanvas", "assets"): 60,
    ("playcanvas", "post"): 30,
    ("playcanvas", "download"): 5000,
    ("toloka", "all"): 300,
    ("ulule", "all"): 1000,
}
# The limit that a provider reports while there is none.
UNLIMITED = 1_000_000


class RateLimits:
    """Counts requests per provider, credential and class in fixed windows."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._windows: dict[tuple[str, str, str], tuple[float, int]] = {}

    def clear(self) -> None:
        """Forgets all counts."""
        self._windows.clear()

    def limit_for(self, provider: str, kind: str) -> int:
        """How many requests one window allows at the present settings."""
        published = PUBLISHED_LIMITS.get((provider, kind))
        factor = self._settings.limits
        if published is None or factor is None:
            return UNLIMITED
        return max(1, int(published * factor))

    def consume(self, provider: str, caller: str, kind: str) -> tuple[bool, dict[str, str]]:
        """Counts one request: whether it is within the limit, and the headers of its answer."""
        if self._settings.limits is None or (provider, kind) not in PUBLISHED_LIMITS:
            return True, {}
        allowed, now = self.limit_for(provider, kind), time.time()
        length = 1.0 if provider == "toloka" else self._settings.window
        key = (provider, caller, kind)
        start, used = self._windows.get(key, (now, 0))
        if not start <= now < start + length:
            start, used = now, 0
        fits = used < allowed
        self._windows[key] = (start, used + 1 if fits else used)
        if provider == "toloka":
            return fits, {}
        end = start + length
        # PlayCanvas documents seconds since 1970 in UTC. The number in Ulule's old sample is too small for that: it is
        # the seconds until the reset.
        reset = math.ceil(end) if provider == "playcanvas" else math.ceil(end - now)
        return fits, {
            "X-RateLimit-Limit": str(allowed),
            "X-RateLimit-Remaining": str(max(0, allowed - used - 1)),
            "X-RateLimit-Reset": str(reset),
        }
