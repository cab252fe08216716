"""What the client needs of a provider. `exports.providers.contract.Provider` has it, and more."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from exports.transport.errors import ProviderError

MAX_TOKEN_SECONDS: Final = 366 * 86_400.0


@dataclass(frozen=True)
class Grant:
    """A short-lived token. `expires_at`: epoch seconds. `secrets`: new values of secret fields that changed with it."""

    token: str
    expires_at: float
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def lasting(cls, token: str, seconds: float | None, default: float, secrets: Mapping[str, str]) -> "Grant":
        """A token that is good for so many seconds; for `default` where the answer says none that make sense."""
        is_sound = seconds is not None and 0 < seconds <= MAX_TOKEN_SECONDS
        return cls(token, time.time() + (seconds if is_sound and seconds is not None else default), secrets)

    def __repr__(self) -> str:
        return f"Grant(expires_at={self.expires_at})"


@dataclass(frozen=True)
class CreationAnswer:
    """The answer to a request that creates something. `body`: its bytes, empty where they did not all come."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class RateHeaders:
    """How a provider tells of its limits in headers.

    `limit`, `remaining`: calls per window, and those that are left. `reset`: when it may be asked again, seconds or a
    time; tried before Retry-After and the other usual names. `refusals`: statuses besides 429 that mean "slow down"
    when nothing remains or Retry-After is there, and something else when not.
    """

    limit: str = "X-RateLimit-Limit"
    remaining: str = "X-RateLimit-Remaining"
    reset: str = ""
    refusals: frozenset[int] = frozenset()

    def is_slow_down(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer with one of `refusals` asks for a pause."""
        return status in self.refusals and (
            bool(headers.get("Retry-After")) or headers.get(self.remaining, "").strip() == "0"
        )


class SecretField(Protocol):
    """A field of a credential's secrets."""

    @property
    def name(self) -> str:
        """The field's name."""

    @property
    def is_public(self) -> bool:
        """Whether its value may be shown."""


class Service(Protocol):
    """A service with an HTTP API, as `exports.providers.contract.Provider` describes one."""

    @property
    def slug(self) -> str:
        """Its short name in addresses and logs, in lower case."""

    @property
    def label(self) -> str:
        """Its name as people see it."""

    @property
    def secrets(self) -> Sequence[SecretField]:
        """The fields of its credentials."""

    @property
    def rate_headers(self) -> RateHeaders:
        """The names of the headers that tell of its limits."""

    @property
    def keeps_cookies(self) -> bool:
        """Whether cookies are sent back to the host that set them."""

    def headers(self, client: Any) -> dict[str, str]:
        """Headers that authorise a call."""

    def download_headers(self, client: Any, address: str) -> Mapping[str, str]:
        """Headers of its own for the file at this address."""

    def fetch_token(self, client: Any) -> Grant:
        """Fetches a short-lived token. Raises ProviderError."""

    def error_from_response(self, status: int, body: object) -> ProviderError | None:
        """The error that an answer means, or None."""

    def is_own_error(self, body: object) -> bool:
        """Whether the JSON of an answer has the form of this API's errors."""
