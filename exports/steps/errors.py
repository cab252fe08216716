"""What a provider's error means for an export: try again later, pause the credential's rate class, or fail."""

from typing import Any, Final

from exports import clock
from exports.models import RateLimitPause
from exports.queue.leases import Claim
from exports.settle.outcome import fail, hold_for_rate_limit, postpone
from exports.transport.errors import (
    AddressError,
    BusyError,
    CredentialError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)

MAX_UNREADABLE_ANSWERS: Final = 10
# Some providers ask for a pause of a day; trying again once an hour costs one call.
MAX_PAUSE_SECONDS: Final = 3600.0


def handle_error(claim: Claim, error: ProviderError, *, rate_class: str | None = None, **fields: Any) -> None:
    """Writes what follows from an error of prepare, poll or fetch, and `fields` with it. Raises LostClaimError.

    Not for a request that may have been executed: `steps.submit` handles those.
    """
    export = claim.export
    fields.setdefault("last_error_code", error.code)
    if isinstance(error, BusyError):
        if error.pause:
            pause_rate_class(claim, min(error.seconds, MAX_PAUSE_SECONDS), error.message, rate_class)
        hold_for_rate_limit(
            claim, clock.with_jitter(0.1) + min(error.seconds, MAX_PAUSE_SECONDS), error.message, **fields
        )
    elif isinstance(error, AddressError):
        fail(claim, "address", error.message, source="worker", action=error.action)
    elif isinstance(error, CredentialError):
        export.project.credential.__class__.objects.filter(pk=export.project.credential_id).update(
            last_error=error.message[:500]
        )
        fail(claim, "credential", error.message, source="poll", action=error.action)
    elif isinstance(error, RefusedError):
        fail(claim, error.code, error.message, source="poll", action=error.action)
    elif isinstance(error, UnreadableError):
        count = export.unreadable_answers + 1
        if error.final or count >= MAX_UNREADABLE_ANSWERS:
            times = "" if error.final else f" That was the {count}th answer in a row outside the contract."
            fail(claim, "unreadable", error.message + times, source="poll", unreadable_answers=count)
        else:
            seconds = clock.backoff(export.consecutive_failures, base_seconds=1.0, max_seconds=30.0)
            postpone(
                claim,
                seconds,
                error.message,
                unreadable_answers=count,
                consecutive_failures=export.consecutive_failures + 1,
                **fields,
            )
    elif isinstance(error, NotSentError | UnclearError):
        postpone(
            claim,
            clock.backoff(export.consecutive_failures),
            error.message,
            consecutive_failures=export.consecutive_failures + 1,
            **fields,
        )
    else:
        fail(claim, error.code, error.message, source="worker", action=error.action)


def pause_rate_class(claim: Claim, seconds: float, reason: str, rate_class: str | None = None) -> None:
    """Pauses all calls of the credential in the rate class for `seconds`, because the provider asked for it."""
    class_ = claim.export.kind.rate_class if rate_class is None else rate_class
    RateLimitPause.extend(claim.export.project.credential_id, class_, clock.seconds_from_now(seconds), reason[:300])
