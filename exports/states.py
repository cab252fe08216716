"""The five statuses of an export, the steps of the engine, and the table of moves. Imports nothing of ours.

The words are a public contract: scripts outside the project compare with them.
"""

from typing import Final

WAITING: Final = "waiting"
PROCESSING: Final = "processing"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
CANCELED: Final = "canceled"

STATUSES: Final = (WAITING, PROCESSING, SUCCEEDED, FAILED, CANCELED)
OPEN: Final = frozenset({WAITING, PROCESSING})
ENDED: Final = frozenset({SUCCEEDED, FAILED, CANCELED})

# What the engine does next with an open export; an ended one has NONE.
SUBMIT: Final = "submit"
POLL: Final = "poll"
FETCH: Final = "fetch"
NONE: Final = "none"

STEPS: Final = (SUBMIT, POLL, FETCH, NONE)

TRANSITIONS: Final[dict[str | None, frozenset[str]]] = {
    None: frozenset({WAITING}),
    WAITING: frozenset({PROCESSING, SUCCEEDED, FAILED, CANCELED}),
    PROCESSING: frozenset({SUCCEEDED, FAILED, CANCELED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    CANCELED: frozenset(),
}

# Who or what caused a change.
SOURCES: Final = ("person", "api", "schedule", "worker", "poll", "webhook", "watchdog", "staff")
TRIGGERS: Final = ("person", "api", "schedule", "retry", "adopt")

# The fixed vocabulary of reasons (error.code) and of turns (error.action).
ERROR_CODES: Final = (
    "rejected",
    "credential",
    "not_found",
    "precondition",
    "provider_failed",
    "no_file",
    "bad_file",
    "too_large",
    "deadline",
    "unconfirmed",
    "address",
    "unreadable",
    "storage",
    "internal",
)
ACTIONS: Final = ("you", "us", "provider", "none")

# Whose turn it is, unless the place that fails knows better.
DEFAULT_ACTION: Final[dict[str, str]] = {
    "rejected": "you",
    "credential": "you",
    "not_found": "you",
    "precondition": "you",
    "provider_failed": "provider",
    "no_file": "provider",
    "bad_file": "provider",
    "too_large": "you",
    "deadline": "you",
    "unconfirmed": "you",
    "address": "provider",
    "unreadable": "provider",
    "storage": "us",
    "internal": "us",
}


class IllegalTransitionError(Exception):
    """Asked for a change of status that the table of moves does not have."""


def may_transition(old: str | None, new: str) -> bool:
    """Whether the table has this change of status (None: the export does not exist yet)."""
    return new in TRANSITIONS[old]
