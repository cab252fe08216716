"""Holding an export for a provider's limit: its next step and its deadline move along."""

from datetime import timedelta
from typing import Any, Final

from exports import clock
from exports.models import Export

# Waiting for a provider's limits is nobody's failure, so it does not use up the time to watch a job.
DEADLINE_EXTENSION: Final = timedelta(hours=1)
MAX_RATE_LIMIT_HOLD: Final = timedelta(days=7)
# What an export's `last_error_code` says while it waits for another export's answer.
WAITS_FOR_EXPORT: Final = "turn"


def rate_limit_hold_fields(export: Export, seconds: float, note: str) -> dict[str, Any]:
    """The columns of an export that is held for so many seconds; `note` says why, for its page."""
    last = max(export.deadline_at, export.created_at + MAX_RATE_LIMIT_HOLD)
    deadline = min(max(export.deadline_at, clock.seconds_from_now(seconds) + DEADLINE_EXTENSION), last)
    return {
        "deadline_at": deadline,
        "next_step_at": min(clock.seconds_from_now(seconds), deadline),
        "wait_note": note[:300],
        "last_error_code": "" if export.last_error_code == WAITS_FOR_EXPORT else export.last_error_code,
    }
