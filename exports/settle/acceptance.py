"""The provider has accepted a request, or its job was found: the id is written before anything else."""

from typing import Any, Final

from django.db import connection, transaction
from django.db.models import F

from exports import clock, states
from exports.models import Change, Export
from exports.providers.contract import Accepted
from exports.queue.holds import WAITS_FOR_EXPORT
from exports.queue.leases import Claim, LostClaimError
from exports.settle.outcome import accept_late, begin_processing, succeed
from exports.settle.poll_status import apply_poll_result

WAKE_SQL: Final = """
    UPDATE exports_export SET next_step_at = %s WHERE id = (
        SELECT e.id FROM exports_export e JOIN exports_project p ON p.id = e.project_id
        WHERE e.step = 'submit' AND e.next_step_at IS NOT NULL AND e.type = %s AND p.remote_id = %s
            AND e.last_error_code = %s AND e.held_until IS NULL
        ORDER BY e.rate_slot NULLS LAST, e.id LIMIT 1
    ) AND last_error_code = %s AND held_until IS NULL
"""


def record_acceptance(claim: Claim, accepted: Accepted, note: str = "") -> None:
    """Writes the job's id and first status. An answer that comes after the claim was lost is kept as well."""
    export, kind, status = claim.export, claim.export.kind, accepted.status
    fields: dict[str, Any] = {
        "remote_id": accepted.remote_id[:200],
        "submitted_at": export.request_sent_at,
        "started_at": clock.now(),
        "step": states.POLL,
        "next_step_at": clock.seconds_from_now(clock.with_jitter(kind.poll_interval.initial)),
        "deadline_at": clock.seconds_from_now(kind.deadline.total_seconds()),
        "provider_status": status.provider_status[:200],
        "progress": status.progress,
        "messages": list(status.messages),
        "memo": export.memo if status.memo is None else dict(status.memo),
        "consecutive_failures": 0,
        "unreadable_answers": 0,
        "search_attempts": 0,
        "in_doubt_since": None,
        "last_error_code": "",
        "wait_note": "",
        "held_until": None,
        "crash_count": 0,
        "rate_slot": None,
    }
    note = " ".join(filter(None, [note, status.note]))
    done_at_once = status.state == "done" and not kind.has_file
    try:
        if done_at_once:
            ended = {name: value for name, value in fields.items() if name != "progress"}
            succeed(claim, source="worker", note=note, **ended)
        else:
            begin_processing(claim, source="worker", note=note, **fields)
    except LostClaimError:
        _record_late(export, accepted, fields)
    else:
        if not done_at_once and status.state not in ("running", "unknown"):
            apply_poll_result(claim, status, source="worker")
    _wake_next_waiting(export)


def _record_late(export: Export, accepted: Accepted, fields: dict[str, Any]) -> None:
    """The claim was lost while the answer was on its way. The job exists all the same, so its id is kept."""
    with transaction.atomic():
        row = Export.objects.select_for_update().get(pk=export.pk)
        if row.remote_id:
            return
        if row.status == states.WAITING:
            accept_late(row, source="worker", note="Accepted late.", **fields)
            # A process that is searching for the job meanwhile must not write over this.
            Export.objects.filter(pk=row.pk).update(fence=F("fence") + 1)
        elif not row.is_open:
            row.remote_id, row.provider_status = accepted.remote_id[:200], accepted.status.provider_status[:200]
            row.save(update_fields=["remote_id", "provider_status"])
            Change.append(row, row.status, source="worker", note=f"Found the job after all: {accepted.remote_id}.")


def _wake_next_waiting(export: Export) -> None:
    """Makes the first export that waits for this one's answer due now: one with a slot in the rate limit, if any."""
    now = connection.ops.adapt_datetimefield_value(clock.now())
    with connection.cursor() as cursor:
        cursor.execute(WAKE_SQL, [now, export.type, export.project.remote_id, WAITS_FOR_EXPORT, WAITS_FOR_EXPORT])
