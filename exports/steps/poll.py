"""Looking at a job that runs at the provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from exports import clock, states
from exports.credentials.client import build_client, job_fields, retry_with_fresh_token, save_calls
from exports.models import Export, OutboxMessage
from exports.models.outbox import RELAY, host_of, recipient_key
from exports.providers.contract import Job, Status
from exports.queue import circuit_breaker, wakeup
from exports.queue.batch_sql import settle_many
from exports.queue.leases import Claim, LostClaimError
from exports.queue.rate_limits import Usage, admit_many, record_usage
from exports.settle.outcome import fail, record_provider_status, settle_one
from exports.steps.errors import handle_error
from exports.transport.client import CallRecord
from exports.transport.errors import ProviderError, UnclearError

# An answer that takes longer than this beside others is waited for in a message of its own.
PATIENCE_SECONDS = 8.0
FETCH_DEADLINE_SECONDS = 12 * 3600.0
MAX_POLLS_WITHOUT_FILE = 3
# Of the pace: how late a look may be and the next one still keep to the plan.
MAX_LATENESS_SHARE = 0.2


@dataclass
class PollResult:
    """One look at a job as it came back from the network: what was seen, or what went wrong.

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
        """What was seen. Raises what went wrong."""
        if self.status is None:
            raise self.error or RuntimeError("A look that brought nothing.")
        return self.status


def poll(claim: Claim) -> None:
    """One look, and what follows from it."""
    for one in admit_polls([claim]):
        for result in write_unchanged_polls([poll_provider(one)]):
            handle_poll_result(result)
    if claim.lost:
        raise LostClaimError


def admit_polls(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose jobs may be looked at now. The others were put off, for a limit or because nobody answers."""
    return admit_many(circuit_breaker.admit_claims(claims), "normal")


def poll_provider(claim: Claim, patience: float | None = None) -> PollResult:
    """Asks the provider. Never raises, and needs no database but for a token.

    `patience`: seconds that a call may take at most, None for as long as the provider's limits allow.
    """
    export = claim.export
    result = PollResult(claim, export.rate_slot, clock.now())
    begun = clock.monotonic()
    try:
        provider = export.project.credential.provider_definition
        client = build_client(export.project.credential, result.calls.append)
        client.patience = patience
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
    """Writes the calls of these looks, and the looks that changed nothing, all at once. Returns the others."""
    same = [
        result for result in results if result.status is not None and _is_unchanged(result.claim.export, result.status)
    ]
    pairs = [(result.claim.export, result) for result in results]
    with transaction.atomic():
        save_calls([(export, export.project.credential, call) for export, result in pairs for call in result.calls])
        record_usage(
            [
                Usage(
                    one, "normal", result.rate_slot, len(result.calls), result.headers, result.claim.window_at_admission
                )
                for one, result in pairs
            ]
        )
        settle_many(
            [result.claim for result in same], [_unchanged_fields(result.claim.export, result) for result in same]
        )
    settled = {id(result) for result in same}
    return [result for result in results if id(result) not in settled]


def handle_poll_result(result: PollResult) -> None:
    """Writes what follows from a look that changed something. Raises as `advance` expects."""
    try:
        status = result.status_or_raise()
    except ProviderError as error:
        slow = {"polls_alone": True} if result.slow and isinstance(error, UnclearError) else {}
        handle_error(result.claim, error, rate_class="normal", **slow)
    else:
        apply_poll_result(result.claim, status, source="poll", polled_at=result.polled_at, polls_alone=result.slow)


def _is_unchanged(export: Export, status: Status) -> bool:
    return (
        export.status == states.PROCESSING
        and status.state in ("running", "unknown")
        and status.provider_status[:200] == export.provider_status
        and list(status.messages) in ([], export.messages)
        and (status.memo is None or dict(status.memo) == export.memo)
        and not (export.kind.relay_option and export.options.get(export.kind.relay_option))
    )


def _unchanged_fields(export: Export, result: PollResult) -> dict[str, Any]:
    return {
        **_seen(export, result.status_or_raise()),
        "next_step_at": _next_poll_at(export, result.polled_at),
        "polls_alone": result.slow,
    }


def _seen(export: Export, status: Status) -> dict[str, Any]:
    """What every look that was answered sets."""
    return {
        "progress": export.progress if status.progress is None else min(max(status.progress, 0.0), 100.0),
        "consecutive_failures": 0,
        "unreadable_answers": 0,
        "polls": export.polls + 1,
        "last_error_code": "",
        "wait_note": "",
        "rate_slot": None,
    }


def _next_poll_at(export: Export, polled_at: datetime) -> datetime:
    """The pace runs from planned time to planned time, so that a little lateness does not add up; from the question
    where that was late by more than a little. A provider that takes long to answer is given half of it to rest.
    """
    pace = export.kind.poll_interval
    seconds = clock.with_jitter(min(pace.initial * pace.factor ** min(export.polls, 60), pace.maximum))
    due = export.next_step_at
    late = due is None or due > polled_at or due < polled_at - timedelta(seconds=seconds * MAX_LATENESS_SHARE)
    at = max(
        (polled_at if late or due is None else due) + timedelta(seconds=seconds), clock.seconds_from_now(seconds / 2)
    )
    return min(at, max(export.deadline_at, clock.now()))


def apply_poll_result(
    claim: Claim, status: Status, *, source: str, polled_at: datetime | None = None, polls_alone: bool = False
) -> None:
    """Writes what a look showed. Raises LostClaimError when the claim no longer stands."""
    export, kind = claim.export, claim.export.kind
    fields: dict[str, Any] = {
        **_seen(export, status),
        "polls_alone": polls_alone,
        "provider_status": status.provider_status[:200],
        "messages": list(status.messages) or export.messages,
        "memo": export.memo if status.memo is None else dict(status.memo),
    }
    with transaction.atomic():
        _relay(claim, status, fields)
        if export.status == states.WAITING:  # adopted: the first look that finds the job is its acceptance
            _begin(claim, source, fields)
        if status.state == "failed":
            message = status.message or "; ".join(status.messages) or "The provider says that the job failed."
            fail(claim, status.code, message, source=source, note=status.note, **fields)
        elif status.state == "canceled":
            label = export.project.credential.provider_definition.label
            note = status.note or f"Canceled at {label}."
            if not export.move(states.CANCELED, source=source, note=note, fence=claim.fence, **fields):
                raise LostClaimError
        elif status.state == "done" and not kind.has_file:
            fields["progress"] = 100.0
            if not export.move(states.SUCCEEDED, source=source, note=status.note, fence=claim.fence, **fields):
                raise LostClaimError
        elif status.state == "done" and not status.link and export.search_attempts + 1 >= MAX_POLLS_WITHOUT_FILE:
            message = f"{export.project.credential.provider_definition.label} says the job is done, but names no file."
            fail(claim, "no_file", message, source=source, note=status.note, **fields)
        else:
            _go_on(claim, status, source, fields, polled_at or clock.now())


def _begin(claim: Claim, source: str, fields: dict[str, Any]) -> None:
    export = claim.export
    begun: dict[str, Any] = {
        "started_at": clock.now(),
        "deadline_at": clock.seconds_from_now(export.kind.deadline.total_seconds()),
    }
    values: dict[str, Any] = {**begun, "provider_status": fields["provider_status"]}
    if not export.move(states.PROCESSING, source=source, note="The job was found.", fence=claim.fence, **values):
        raise LostClaimError


def _go_on(claim: Claim, status: Status, source: str, fields: dict[str, Any], polled_at: datetime) -> None:
    export = claim.export
    changed = fields["provider_status"] != export.provider_status
    if status.state == "done" and status.link:
        fields |= {
            "step": states.FETCH,
            "encrypted_link": export.encrypt_link(status.link),
            "next_step_at": clock.now(),
            "deadline_at": clock.seconds_from_now(FETCH_DEADLINE_SECONDS),
            "progress": 100.0,
            "search_attempts": 0,
        }
        wakeup.wake_after_commit()
    else:
        fields["next_step_at"] = _next_poll_at(export, polled_at)
        if status.state == "done":
            fields |= {
                "search_attempts": export.search_attempts + 1,
                "wait_note": "The provider says it is done, but names no file yet.",
            }
    settle_one(claim, **fields)
    if changed:
        unknown = f"The portal does not know the word “{status.provider_status}”." if status.state == "unknown" else ""
        note = " ".join(filter(None, [unknown, status.note]))
        record_provider_status(export, str(fields["provider_status"]), source=source, note=note)


def _relay(claim: Claim, status: Status, fields: dict[str, Any]) -> None:
    """Queues a message for the address the user named, when there is something new to say."""
    export, kind = claim.export, claim.export.kind
    if not kind.relay_option or not export.options.get(kind.relay_option):
        return
    if (
        status.progress == export.progress
        and status.provider_status == export.provider_status
        and status.state == "running"
    ):
        return
    payload = {"progress": fields["progress"], "state": status.provider_status, "status": status.state}
    key = f"{status.state}:{fields['progress']}:{status.provider_status}"[:60]
    address = str(export.options[kind.relay_option])
    # What was not told yet is old news now; an address that is slow hears of the latest.
    older = OutboxMessage.objects.filter(export=export, kind=RELAY, sent_at=None, due_at__isnull=False)
    older.update(due_at=None, last_error="A newer one took its place.")
    OutboxMessage.objects.get_or_create(
        export=export,
        kind=RELAY,
        key=key,
        defaults={
            "payload": payload,
            "due_at": clock.now(),
            "recipient": recipient_key(address),
            "host": host_of(address),
        },
    )
