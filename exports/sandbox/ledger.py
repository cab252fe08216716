"""A record of the requests: tests compare it with "asked once", "no credential leaves" and "within the limits"."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any

from exports.sandbox.request_parsing import Request

# More than any test needs; older entries are dropped, so that a stand-in that runs for weeks needs little memory.
MAX_ENTRIES = 100_000
CREDENTIAL_HEADERS = ("Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Act-Under-Account-ID")
CREDENTIAL_FIELDS = ("access_token", "token", "api_key", "apikey")
CORRELATION_HEADERS = ("X-Request-Id", "X-Correlation-Id", "X-Client-Request-Id", "Correlation-Id")


class Ledger:
    """Counts and lists. Callers hold the stand-in's lock."""

    def __init__(self, providers: Iterable[str]) -> None:
        self._providers = tuple(providers)
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.jobs: dict[str, Counter[str]] = {provider: Counter() for provider in self._providers}
        self.requests: dict[str, Counter[str]] = {provider: Counter() for provider in self._providers}
        self.rate_limited: Counter[str] = Counter(dict.fromkeys(self._providers, 0))
        self.submissions: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)
        self.leaks: deque[dict[str, Any]] = deque(maxlen=MAX_ENTRIES)

    def record_job(self, call: Request, entry: Mapping[str, Any], counted: bool) -> None:
        """Records a job that was made; `counted` is false for side jobs that an export needs first."""
        if counted:
            self.jobs[entry["provider"]][entry["project"]] += 1
        values = (call.header(name) for name in CORRELATION_HEADERS)
        self.submissions.append(
            {
                **entry,
                "at": time.time(),
                "correlation": next((value for value in values if value), None),
                "fault": call.rule.fault if call.rule else None,
            }
        )

    def record_leak(self, provider: str, call: Request) -> None:
        """Records a request for a file if it carried a credential, without the credential's value."""
        carried = [name for name in CREDENTIAL_HEADERS if call.header(name)]
        carried += [f"?{name}" for name in CREDENTIAL_FIELDS if name in call.query]
        if carried:
            self.leaks.append({"provider": provider, "path": call.path, "carried": carried, "at": time.time()})

    def as_dict(self) -> dict[str, Any]:
        """The ledger as JSON can carry it."""
        return {
            "jobs": {provider: dict(counted) for provider, counted in self.jobs.items()},
            "submissions": list(self.submissions),
            "requests": {provider: dict(counted) for provider, counted in self.requests.items()},
            "credential_leaks": list(self.leaks),
            "rate_limited": dict(self.rate_limited),
        }
