"""What an error means for an export: ask again later, pause the credential, or end with a reason."""

from typing import Any, Final

from exports.engine import clock
from exports.engine.claim import Claim
from exports.engine.outcome import fail, hold, postpone
from exports.models import Pause
from exports.providers.errors import (
    AddressError,
    BusyError,
    CredentialError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnreadableError,
)

MOST_UNREADABLE: Final = 10
# Some ask for a day; asking again once an hour costs one call.
MOST_PAUSE: Final = 3600.0


def meet(claim: Claim, error: ProviderError, *, rate_class: str | None = None, **fields: Any) -> None:
    """Writes what follows from an error of prepare, poll or fetch (`fields` are set along). Raises LostClaimError.

    Not for a request that may have been executed: `submit` decides about those.
    """
    export = claim.export
    fields.setdefault("trouble", error.code)
    if isinstance(error, BusyError):
        if error.pause:
            pause(claim, min(error.seconds, MOST_PAUSE), error.message, rate_class)
        hold(claim, clock.jittered(0.1) + min(error.seconds, MOST_PAUSE), error.message, **fields)
    elif isinstance(error, AddressError):
        fail(claim, "address", error.message, source="worker", turn=error.turn)
    elif isinstance(error, CredentialError):
        export.project.credential.__class__.objects.filter(pk=export.project.credential_id).update(
            trouble=error.message[:500]
        )
        fail(claim, "credential", error.message, source="poll", turn=error.turn)
    elif isinstance(error, RefusedError):
        fail(claim, error.code, error.message, source="poll", turn=error.turn)
    elif isinstance(error, UnreadableError):
        count = export.unreadable + 1
        if error.final or count >= MOST_UNREADABLE:
            times = "" if error.final else f" That was the {count}th answer in a row outside the contract."
            fail(claim, "unreadable", error.message + times, source="poll", unreadable=count)
        else:
            seconds = clock.backoff(export.misses, first=1.0, most=30.0)
            postpone(claim, seconds, error.message, unreadable=count, misses=export.misses + 1, **fields)
    elif isinstance(error, NotSentError | UnclearError):
        postpone(claim, clock.backoff(export.misses), error.message, misses=export.misses + 1, **fields)
    else:
        fail(claim, error.code, error.message, source="worker", turn=error.turn)


def pause(claim: Claim, seconds: float, reason: str, rate_class: str | None = None) -> None:
    """The provider asked for a pause: every call of the credential waits, in this rate class."""
    class_ = claim.export.kind.rate_class if rate_class is None else rate_class
    Pause.extend(claim.export.project.credential_id, class_, clock.after(seconds), reason[:300])
