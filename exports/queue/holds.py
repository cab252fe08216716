"""Holding an export for a provider's rate limit: its next step and its deadline are put later."""

from datetime import timedelta
from typing import Any, Final

from exports import clock
from exports.models import Export

# The deadline bounds how long a job is watched; waiting for a rate limit does not count in it.
DEADLINE_EXTENSION: Final = timedelta(hours=1)
MAX_RATE_LIMIT_HOLD: Final = timedelta(days=7)
# The `last_error_code` of an export that waits for the answer to another export's request.
WAITS_FOR_EXPORT: Final = "turn"


def rate_limit_hold_fields(export: Export, seconds: float, note: str) -> dict[str, Any]:
    """The columns to write for an export that is held for so many seconds. `note` says why, for the page."""
    latest_deadline = max(export.deadline_at, export.created_at + MAX_RATE_LIMIT_HOLD)
    deadline = min(max(export.deadline_at, clock.seconds_from_now(seconds) + DEADLINE_EXTENSION), latest_deadline)
    return {
        "deadline_at": deadline,
        "next_step_at": min(clock.seconds_from_now(seconds), deadline),
        "wait_note": note[:300],
        "last_error_code": "" if export.last_error_code == WAITS_FOR_EXPORT else export.last_error_code,
    }
