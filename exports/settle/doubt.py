"""How long answers may leave open how an accepted job is, or where its file is, before the export ends.

One such answer says nothing: a 404 for a fresh job, the page of a firewall, an error that passes, "done" without a
link. The job is polled again with growing pauses, and the export ends when the answers stay so.
"""

from typing import Any, Final

from exports import clock
from exports.models import Export

# With the last pause, about three and a half minutes at most.
MAX_DOUBT_SECONDS: Final = 170.0
# A worker that was away meanwhile has seen fewer answers than the time would allow.
MIN_ANSWERS: Final = 4


def poll_later(export: Export) -> dict[str, Any] | None:
    """The columns for one more poll after such an answer; None when the answers have stayed so for long enough."""
    since, count = export.in_doubt_since or clock.now(), export.unreadable_answers + 1
    waited = max((clock.now() - since).total_seconds(), 0.0)
    if waited >= MAX_DOUBT_SECONDS and count >= MIN_ANSWERS:
        return None
    at = clock.seconds_from_now(clock.growing_pause(waited))
    return {
        "in_doubt_since": since,
        "unreadable_answers": count,
        "next_step_at": min(at, max(export.deadline_at, clock.now())),
    }


def describe_doubt(export: Export) -> str:
    """How long it has stayed so, for the message of an export that ends with it."""
    since = export.in_doubt_since or clock.now()
    minutes = max(round((clock.now() - since).total_seconds() / 60), 1)
    count = export.unreadable_answers + 1
    return f"{count} unreadable answers in a row, for {minutes} {'minutes' if minutes > 1 else 'minute'}."
