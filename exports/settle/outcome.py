"""What a step brought, written: the export's next state, its history row and its next time."""

from typing import Any

from exports import clock, states
from exports.models import Change, Export
from exports.queue.batch_sql import settle_many
from exports.queue.holds import rate_limit_hold_fields
from exports.queue.leases import Claim, LostClaimError


def fail(
    claim: Claim, code: str, message: str, *, source: str, action: str = "", note: str = "", **fields: Any
) -> None:
    """Ends the export as failed, with whose turn it is. Raises LostClaimError."""
    moved = claim.export.move(
        states.FAILED,
        source=source,
        fence=claim.fence,
        note=note or message,
        error_code=code,
        error_message=message,
        error_action=action or states.DEFAULT_ACTION[code],
        **fields,
    )
    if not moved:
        raise LostClaimError


def fail_overdue(claim: Claim) -> None:
    """The deadline has passed: says what was being waited for. Raises LostClaimError."""
    export = claim.export
    if export.last_error_code == "storage":
        fail(claim, "storage", f"The file could not be stored in time. {export.wait_note}", source="watchdog")
    elif export.request_sent_at is not None and not export.remote_id:
        fail(
            claim,
            "unconfirmed",
            "The request was sent, but its answer was lost, and whether it was executed could not be found out in time."
            " Look at the provider, then adopt the job that runs there, or retry.",
            source="watchdog",
        )
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
    """Keeps everything and looks again later; `note` says why, for the page. Raises LostClaimError."""
    at = min(clock.seconds_from_now(seconds), max(claim.export.deadline_at, clock.now()))
    settle_one(claim, next_step_at=at, wait_note=note[:300], **fields)


def hold_for_rate_limit(claim: Claim, seconds: float, note: str = "", **fields: Any) -> None:
    """As `postpone`, for a limit of the provider's: the deadline moves along, up to a week after it was asked for."""
    settle_one(claim, **{**rate_limit_hold_fields(claim.export, seconds, note), **fields})


def settle_one(claim: Claim, **fields: Any) -> None:
    """Settles the claim; a hint that came while the step was under way makes the next one due now."""
    if settle_many([claim], [{"rate_slot": None, **fields}]):
        raise LostClaimError


def record_provider_status(export: Export, word: str, *, source: str, note: str = "") -> None:
    """A history row for the provider's new word, where the status stays. Call it where `word` differs."""
    export.provider_status = word
    last = Change.objects.filter(export=export).order_by("-seq").values_list("note", flat=True).first()
    note = "" if note == last else note  # what was said in the row above need not be said again
    Change.append(export, export.status, source=source, note=note)
