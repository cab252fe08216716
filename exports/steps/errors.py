"""What a provider's error means for an export: try again later, pause the credential's rate class, or fail."""

from typing import Any, Final

from exports import clock, states
from exports.credentials.refusals import record_refused
from exports.models import RateLimitPause
from exports.queue.leases import Claim
from exports.settle.doubt import describe_doubt, poll_later
from exports.settle.outcome import fail, hold_for_rate_limit, postpone, settle_one
from exports.transport.errors import (
    AddressError,
    BusyError,
    CredentialError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnclearError,
    UnknownRefusalError,
    UnreadableError,
)

# Some providers ask for a pause of a day; trying again once an hour costs one call.
MAX_PAUSE_SECONDS: Final = 3600.0


def handle_error(claim: Claim, error: ProviderError, *, rate_class: str | None = None, **fields: Any) -> None:
    """Writes what follows from an error of prepare, poll or fetch, and `fields` with it. Raises LostClaimError.

    Not for a request that may have been executed: `steps.submit` handles those.
    """
    export = claim.export
    fields.setdefault("last_error_code", error.code)
    if isinstance(error, BusyError):
        _handle_busy(claim, error, rate_class, fields)
    elif may_pass(error, export.step):
        if (later := poll_later(export)) is None:
            fail(claim, error.code, f"{error.message} {describe_doubt(export)}", source="poll", action=error.action)
        else:
            fields["consecutive_failures"] = export.consecutive_failures + 1
            note = f"{error.message[:240]} The portal asks again, for some minutes at most."
            settle_one(claim, wait_note=note, **later, **fields)
    elif isinstance(error, AddressError):
        fail(claim, "address", error.message, source="worker", action=error.action)
    elif isinstance(error, CredentialError):
        # One project's 403 says nothing about the credential's others, and a firewall's page nothing about it at all.
        if error.final and not error.known:
            record_refused(export.project.credential, error.message)
        message = f"{states.NO_ACCESS}. {error.message}" if error.final and error.known else error.message
        fail(claim, "credential", message, source="poll", action=error.action)
    elif isinstance(error, RefusedError | UnreadableError):
        fail(claim, error.code, error.message, source="poll", action=error.action)
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


def may_pass(error: ProviderError, step: str) -> bool:
    """Whether one such answer says nothing yet, so that it is asked for again for some minutes.

    Answers outside the contract, and errors that the provider's file does not declare final; refusals that came as a
    page, as of a firewall. Once there is a job: all refusals that are not the provider's own word
    (`exports.transport.proofs.is_final_refusal`), and when it is polled a redirect to another host, as of a network
    that wants a sign-in. The address of a file is judged at once.
    """
    if isinstance(error, UnreadableError | UnknownRefusalError):
        return not error.final
    if isinstance(error, AddressError):
        return step == states.POLL
    return isinstance(error, RefusedError) and not error.final and (error.is_page or step != states.SUBMIT)


def _handle_busy(claim: Claim, error: BusyError, rate_class: str | None, fields: dict[str, Any]) -> None:
    """Waits as long as the provider asks for. A request that is refused so again and again waits longer each time."""
    export, seconds = claim.export, min(error.seconds, MAX_PAUSE_SECONDS)
    if error.pause:
        pause_rate_class(claim, seconds, error.message, rate_class)
    if export.step == states.SUBMIT:
        seconds = max(seconds, clock.backoff(export.consecutive_failures, base_seconds=1.0))
        fields["consecutive_failures"] = export.consecutive_failures + 1
    hold_for_rate_limit(claim, clock.with_jitter(0.1) + seconds, error.message, **fields)


def pause_rate_class(claim: Claim, seconds: float, reason: str, rate_class: str | None = None) -> None:
    """Pauses all calls of the credential in the rate class for `seconds`, because the provider asked for it."""
    class_ = claim.export.kind.rate_class if rate_class is None else rate_class
    RateLimitPause.extend(claim.export.project.credential_id, class_, clock.seconds_from_now(seconds), reason[:300])
