"""Polling a job that runs at the provider, alone or many together."""

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction

from exports import clock
from exports.credentials.client import build_client, job_fields, retry_with_fresh_token, save_calls
from exports.providers.contract import Job, Status
from exports.queue import circuit_breaker
from exports.queue.batch_sql import settle_many
from exports.queue.leases import Claim, LostClaimError
from exports.queue.rate_limits import admit_many
from exports.queue.rate_usage import Usage, record_usage
from exports.settle.poll_status import apply_poll_result, is_unchanged, unchanged_fields
from exports.steps.errors import handle_error
from exports.transport.client import CallRecord
from exports.transport.errors import ProviderError, UnclearError

# An answer that takes longer than this is not waited for; the next poll goes into a message of slow polls.
PATIENCE_SECONDS: Final = 8.0
# All calls of one poll together, however slowly their answers drip. A provider may need half a minute for one.
POLL_SECONDS: Final = 60.0


@dataclass
class PollResult:
    """One poll as it came back from the network: the job's status, or an error.

    `slow`: the answer took longer than PATIENCE_SECONDS, or was not waited for longer than that.
    """

    claim: Claim
    rate_slot: int | None
    polled_at: datetime
    status: Status | None = None
    error: Exception | None = None
    calls: list[CallRecord] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    slow: bool = False

    def status_or_raise(self) -> Status:
        """The status. Raises the error where there is none."""
        if self.status is None:
            raise self.error or RuntimeError("A poll without a result.")
        return self.status


def poll(claim: Claim) -> None:
    """Polls one job and writes what follows. Raises LostClaimError."""
    for admitted in admit_polls([claim]):
        for result in write_unchanged_polls([poll_provider(admitted)]):
            handle_poll_result(result)
    if claim.lost:
        raise LostClaimError


def admit_polls(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose jobs may be polled now. The others were postponed, for a rate limit or an open circuit."""
    return admit_many(circuit_breaker.admit_claims(claims), "normal")


def poll_provider(claim: Claim, patience: float | None = None) -> PollResult:
    """Polls the provider. Never raises, and needs no database but for a token.

    `patience`: seconds that a call may take at most; the whole poll takes at most POLL_SECONDS.
    """
    export = claim.export
    result = PollResult(claim, export.rate_slot, clock.now())
    begun = clock.monotonic()
    try:
        provider = export.project.credential.provider_definition
        client = build_client(export.project.credential, result.calls.append)
        client.patience, client.give_up_at = patience, time.monotonic() + POLL_SECONDS
        try:
            job = Job(**job_fields(export))
            result.status = retry_with_fresh_token(client, lambda: provider.poll(client, job))
        finally:
            result.headers = client.last_headers
    except Exception as error:
        result.error = error
    result.slow = clock.monotonic() - begun >= PATIENCE_SECONDS
    return result


def write_unchanged_polls(results: Sequence[PollResult]) -> list[PollResult]:
    """Writes the calls of all results, and settles those that say nothing new, together. Returns the others."""
    unchanged: list[PollResult] = []
    others: list[PollResult] = []
    for result in results:
        same = result.status is not None and is_unchanged(result.claim.export, result.status)
        (unchanged if same else others).append(result)
    # Where all say something new, there is one statement here.
    with transaction.atomic() if unchanged else nullcontext():
        save_calls(
            [(one.claim.export, one.claim.export.project.credential, call) for one in results for call in one.calls]
        )
        record_usage([_usage(result) for result in results])
        settle_many([result.claim for result in unchanged], [_fields(result) for result in unchanged])
    return others


def handle_poll_result(result: PollResult) -> None:
    """Writes what follows from a result that says something new. Raises LostClaimError and internal errors."""
    try:
        status = result.status_or_raise()
    except ProviderError as error:
        slow = {"polls_alone": True} if result.slow and isinstance(error, UnclearError) else {}
        handle_error(result.claim, error, rate_class="normal", **slow)
    else:
        apply_poll_result(result.claim, status, source="poll", polled_at=result.polled_at, polls_alone=result.slow)


def _fields(result: PollResult) -> dict[str, object]:
    return unchanged_fields(result.claim.export, result.status_or_raise(), result.polled_at, slow=result.slow)


def _usage(result: PollResult) -> Usage:
    claim = result.claim
    return Usage(claim.export, "normal", result.rate_slot, len(result.calls), result.headers, claim.window_at_admission)
