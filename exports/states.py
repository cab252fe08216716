"""The five statuses of an export, the transitions between them, the engine's steps, the error codes.

The words are a public contract: scripts outside the project compare with them. Imports nothing of the project.
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

# What the engine does next with an open export. An ended one has NONE.
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
TRIGGERS: Final = ("person", "api", "command", "schedule", "retry", "adopt")

# The values of error.code (why it failed) and of error.action (who must act).
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

# Who must act, unless the error says so itself.
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

# How the message of an export begins that ended as "credential" though the credential is good: a 403.
NO_ACCESS: Final = "No access to this project"


class IllegalTransitionError(Exception):
    """A change of status that TRANSITIONS does not have."""


def may_transition(old: str | None, new: str) -> bool:
    """Whether the change of status is allowed. `old` is None for a new export."""
    return new in TRANSITIONS[old]
