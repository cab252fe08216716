"""Rate limits as the stand-ins declare them: a number of requests per window and credential."""

import time

from exports.sandbox.declaration import Declaration, LimitWindow
from exports.sandbox.options import Settings

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

    def limit_for(self, provider: Declaration, kind: str) -> int:
        """How many requests one window allows at the present settings."""
        published = provider.limits.get(kind)
        factor = self._settings.limits
        if published is None or factor is None:
            return UNLIMITED
        return max(1, int(published * factor))

    def consume(self, provider: Declaration, caller: str, kind: str) -> tuple[bool, dict[str, str]]:
        """Counts one request: whether it is within the limit, and the headers of its answer."""
        if self._settings.limits is None or kind not in provider.limits:
            return True, {}
        allowed, now = self.limit_for(provider, kind), time.time()
        length = provider.limit_window or self._settings.window
        key = (provider.slug, caller, kind)
        start, used = self._windows.get(key, (now, 0))
        if not start <= now < start + length:
            start, used = now, 0
        fits = used < allowed
        self._windows[key] = (start, used + 1 if fits else used)
        return fits, provider.limit_headers(LimitWindow(allowed, max(0, allowed - used - 1), start + length, now))
