"""What the status of a job, as a poll showed it, means for the export."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from exports import clock, states
from exports.models import Export, OutboxMessage
from exports.models.outbox import RELAY, host_of, recipient_key
from exports.providers.contract import Status
from exports.queue import wakeup
from exports.queue.leases import Claim
from exports.settle.doubt import describe_doubt, poll_later
from exports.settle.outcome import begin_processing, cancel, fail, settle_one, settle_with_history, succeed

FETCH_DEADLINE_SECONDS: Final = 12 * 3600.0
# Share of the poll interval by which a poll may be late and the next one still keep to the plan.
MAX_LATENESS_SHARE: Final = 0.2


def is_unchanged(export: Export, status: Status) -> bool:
    """Whether the status says nothing new, so that only the time of the next poll has to be written."""
    return (
        export.status == states.PROCESSING
        and status.state in ("running", "unknown")
        and status.provider_status[:200] == export.provider_status
        and list(status.messages) in ([], export.messages)
        and (status.memo is None or dict(status.memo) == export.memo)
        and not (export.kind.relay_option and export.options.get(export.kind.relay_option))
    )


def unchanged_fields(export: Export, status: Status, polled_at: datetime, *, slow: bool) -> dict[str, Any]:
    """The columns to write for a status that says nothing new. `slow`: the next poll goes in a message of its own."""
    return {
        **_answered_fields(export, status),
        "next_step_at": _next_poll_at(export, polled_at),
        "polls_alone": slow,
    }


def apply_poll_result(
    claim: Claim, status: Status, *, source: str, polled_at: datetime | None = None, polls_alone: bool = False
) -> None:
    """Writes what a poll showed: the export goes on, or ends. Raises LostClaimError when the claim no longer stands."""
    export, kind = claim.export, claim.export.kind
    label = export.project.credential.provider_definition.label
    fields: dict[str, Any] = {
        **_answered_fields(export, status),
        "polls_alone": polls_alone,
        "provider_status": status.provider_status[:200],
        "messages": list(status.messages) or export.messages,
        "memo": export.memo if status.memo is None else dict(status.memo),
    }
    relays = bool(kind.relay_option and export.options.get(kind.relay_option))
    with transaction.atomic() if relays or export.status == states.WAITING else nullcontext():
        _queue_relay(export, status, fields["progress"])
        if export.status == states.WAITING:  # adopted: the first poll that finds the job is its acceptance
            begin_processing(
                claim,
                source=source,
                note="The job was found.",
                started_at=clock.now(),
                deadline_at=clock.seconds_from_now(kind.deadline.total_seconds()),
                provider_status=fields["provider_status"],
            )
        if status.state == "failed":
            message = status.message or "; ".join(status.messages) or "The job failed at the provider."
            fail(claim, status.code, message, source=source, note=status.note, **fields)
        elif status.state == "canceled":
            cancel(claim, source=source, note=status.note or f"Canceled at {label}.", **fields)
        elif status.state == "done" and not kind.has_file:
            del fields["progress"]
            succeed(claim, source=source, note=status.note, **fields)
        elif status.state == "done" and not status.link and (later := poll_later(export)) is None:
            message = f"{label} finished but produced no file. {describe_doubt(export)}"
            fail(claim, "no_file", message, source=source, note=status.note, **fields)
        elif status.state == "done" and not status.link:
            note = f"Done at {label}, waiting for the download link."
            _continue(claim, status, source, {**fields, **(later or {}), "wait_note": note}, polled_at or clock.now())
        else:
            _continue(claim, status, source, fields, polled_at or clock.now())


def _answered_fields(export: Export, status: Status) -> dict[str, Any]:
    """The columns that every answered poll sets."""
    return {
        "progress": export.progress if status.progress is None else min(max(status.progress, 0.0), 100.0),
        "consecutive_failures": 0,
        "unreadable_answers": 0,
        "in_doubt_since": None,
        "polls": export.polls + 1,
        "last_error_code": "",
        "wait_note": "",
        "rate_slot": None,
    }


def _next_poll_at(export: Export, polled_at: datetime) -> datetime:
    """The time of the next poll.

    Intervals run from planned time to planned time, so that small delays do not add up; from `polled_at` where the
    poll was late by more than MAX_LATENESS_SHARE. At least half an interval passes after the answer, so that a provider
    that answers slowly is not asked again at once.
    """
    pace = export.kind.poll_interval
    seconds = clock.with_jitter(min(pace.initial * pace.factor ** min(export.polls, 60), pace.maximum))
    planned = export.next_step_at
    if planned is None or not timedelta(0) <= polled_at - planned <= timedelta(seconds=seconds * MAX_LATENESS_SHARE):
        planned = polled_at
    at = max(planned + timedelta(seconds=seconds), clock.seconds_from_now(seconds / 2))
    return min(at, max(export.deadline_at, clock.now()))


def _continue(claim: Claim, status: Status, source: str, fields: dict[str, Any], polled_at: datetime) -> None:
    export = claim.export
    changed = fields["provider_status"] != export.provider_status
    if status.state == "done" and status.link:
        fields |= {
            "step": states.FETCH,
            "encrypted_link": export.encrypt_link(status.link),
            "next_step_at": clock.now(),
            "deadline_at": clock.seconds_from_now(FETCH_DEADLINE_SECONDS),
            "progress": 100.0,
        }
    else:
        fields.setdefault("next_step_at", _next_poll_at(export, polled_at))
    if changed:
        label = export.project.credential.provider_definition.label
        unknown = (
            f"{label} reported an unknown status, “{status.provider_status}”." if status.state == "unknown" else ""
        )
        note = " ".join(filter(None, [unknown, status.note]))
        settle_with_history(claim, source=source, note=note, **fields)
    else:
        settle_one(claim, **fields)
    if fields.get("step") == states.FETCH:
        wakeup.wake_after_commit()


def _queue_relay(export: Export, status: Status, progress: float | None) -> None:
    """Queues a message for the address that the user named, when progress, word or state changed."""
    option = export.kind.relay_option
    if not option or not export.options.get(option):
        return
    if (
        status.progress == export.progress
        and status.provider_status == export.provider_status
        and status.state == "running"
    ):
        return
    address = str(export.options[option])
    # A slow address gets the latest message only.
    unsent = OutboxMessage.objects.filter(export=export, kind=RELAY, sent_at=None, due_at__isnull=False)
    unsent.update(due_at=None, last_error="A newer one took its place.")
    OutboxMessage.objects.get_or_create(
        export=export,
        kind=RELAY,
        key=f"{status.state}:{progress}:{status.provider_status}"[:60],
        defaults={
            "team_id": export.team_id,
            "payload": {"progress": progress, "state": status.provider_status, "status": status.state},
            "due_at": clock.now(),
            "recipient": recipient_key(address),
            "host": host_of(address),
        },
    )
