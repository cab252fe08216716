"""The outcome of a step: the export's next status, its history row and the time of its next step.

Nothing else calls `Export.move`. A function that takes a claim writes only while the claim stands, and raises
LostClaimError when it does not.
"""

from contextlib import suppress
from typing import Any, Final

from django.db import IntegrityError, connection, transaction

from exports import clock, states
from exports.models import Change, Export, File
from exports.queue.batch_sql import mark_settled, settle_many, settle_sql
from exports.queue.holds import rate_limit_hold_fields
from exports.queue.leases import Claim, LostClaimError
from exports.settle.cleanup import queue_cleanup
from exports.settle.good_copies import record_good_copy
from exports.settle.schedule_failures import count_ended_export

__all__ = [
    "accept_late",
    "begin_processing",
    "cancel",
    "cancel_by_request",
    "fail",
    "fail_overdue",
    "hold_for_rate_limit",
    "postpone",
    "record_note",
    "settle_one",
    "settle_with_history",
    "succeed",
]


UNCONFIRMED: Final = "The request was sent, and it is not known whether there is a job of it."


def begin_processing(claim: Claim, *, source: str, note: str = "", **fields: Any) -> None:
    """The provider has accepted the job, or it was found there."""
    _move(claim, states.PROCESSING, source=source, note=note, **fields)


def accept_late(export: Export, *, source: str, note: str, **fields: Any) -> None:
    """As `begin_processing`, for an answer that came after its claim was lost. `export` is locked and still waits."""
    export.move(states.PROCESSING, source=source, note=note, fence=export.fence, **fields)


def succeed(claim: Claim, *, source: str, note: str = "", **fields: Any) -> None:
    """Ends the export as succeeded, with its file in `fields`, or without one for a kind that has none.

    With a file its project has a good copy from then on, and the team one file more, in the same transaction.
    """
    file: File | None = fields.get("file")
    if file is None:
        _move(claim, states.SUCCEEDED, source=source, note=note, progress=100.0, **fields)
        return
    with transaction.atomic(savepoint=False):
        _move(claim, states.SUCCEEDED, source=source, note=note, progress=100.0, **fields)
        record_good_copy(claim.export, file)
        if claim.export.kind.cleans_up:
            queue_cleanup(claim.export)


def cancel(claim: Claim, *, source: str, note: str, **fields: Any) -> None:
    """Ends the export as canceled, because the job was canceled at the provider."""
    _move(claim, states.CANCELED, source=source, note=note, **fields)


def cancel_by_request(export: Export, *, source: str, actor: str, note: str) -> bool:
    """Ends the export as canceled, because somebody asked for it here. Returns False when it has moved meanwhile."""
    return export.move(states.CANCELED, source=source, actor=actor, note=note)


def fail(
    claim: Claim, code: str, message: str, *, source: str, action: str = "", note: str = "", **fields: Any
) -> None:
    """Ends the export as failed. `action` says who must act; by default what the code implies.

    While a request that may have been executed has no job, every reason but one ends it as `unconfirmed`: a person must
    know that a retry may make a second job. The one is an answer about another project.
    """
    export = claim.export
    if export.step == states.SUBMIT and export.may_be_executed and code not in ("unconfirmed", "unreadable"):
        code, action = "unconfirmed", ""
        message = f"{message} {UNCONFIRMED} Look at the provider, then follow the job that runs there, or retry."
    _move(
        claim,
        states.FAILED,
        source=source,
        note=note or message,
        error_code=code,
        error_message=message,
        error_action=action or states.DEFAULT_ACTION[code],
        **fields,
    )


def fail_overdue(claim: Claim) -> None:
    """Ends the export because its deadline has passed. The message says what was being waited for."""
    export = claim.export
    if export.last_error_code == "storage":
        fail(claim, "storage", f"The file could not be stored in time. {export.wait_note}", source="watchdog")
    elif export.step == states.SUBMIT and export.may_be_executed:
        fail(claim, "deadline", "Stopped looking for the job.", source="watchdog")
    else:
        where = {
            states.SUBMIT: "the provider did not take the request",
            states.POLL: "the provider did not finish the job",
            states.FETCH: "the file could not be fetched completely",
        }[export.step]
        more = f" Last: {export.wait_note}" if export.wait_note else ""
        fail(
            claim,
            "deadline",
            f"Stopped watching: {where} before the deadline.{more} The job may still run at the provider.",
            source="watchdog",
        )


def postpone(claim: Claim, seconds: float, note: str = "", **fields: Any) -> None:
    """Plans the next step in so many seconds, at the latest at the deadline. `note` says why, for the page."""
    at = min(clock.seconds_from_now(seconds), max(claim.export.deadline_at, clock.now()))
    settle_one(claim, next_step_at=at, wait_note=note[:300], **fields)


def hold_for_rate_limit(claim: Claim, seconds: float, note: str = "", **fields: Any) -> None:
    """As `postpone`, for a limit of the provider: the deadline moves along, up to a week after the export was made."""
    settle_one(claim, **{**rate_limit_hold_fields(claim.export, seconds, note), **fields})


def settle_one(claim: Claim, **fields: Any) -> None:
    """Writes `fields` and releases the claim. A wake-up requested during the step makes the next one due now."""
    if settle_many([claim], [{"rate_slot": None, **fields}]):
        raise LostClaimError


def record_note(export: Export, note: str, *, source: str) -> None:
    """Appends a history row for what happened to an export whose status stays: to its request, or to its file."""
    Change.append(export, export.status, source=source, note=note)


def settle_with_history(claim: Claim, *, source: str, note: str = "", **fields: Any) -> None:
    """As `settle_one`, with a history row, because the provider has another word for the job and the status stays.

    A note that the row above has already is left out.
    """
    export = claim.export
    export.provider_status = fields["provider_status"]
    history: dict[str, Any] = {"source": source, "note": note, "skip_same_note": True}
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with suppress(IntegrityError):
            if not Change.append(export, export.status, update=settle_sql(claim, fields), **history):
                raise LostClaimError
            mark_settled(claim, fields)
            return
    with transaction.atomic():
        settle_one(claim, **fields)
        Change.append(export, export.status, **history)


def _move(claim: Claim, to: str, *, source: str, note: str, **fields: Any) -> None:
    if to in states.ENDED and claim.export.schedule_id is not None:
        with transaction.atomic():
            _move_once(claim, to, source=source, note=note, **fields)
            count_ended_export(claim.export)
    else:
        _move_once(claim, to, source=source, note=note, **fields)


def _move_once(claim: Claim, to: str, *, source: str, note: str, **fields: Any) -> None:
    if not claim.export.move(to, source=source, note=note, fence=claim.fence, **fields):
        raise LostClaimError
