"""How the delivery of an outbox message ends: with an answer, or with an error that says whether it is tried again."""

from dataclasses import dataclass
from typing import Final

from exports.models.outbox import ALERT, CLEANUP, MAIL, RELAY, WEBHOOK, OutboxMessage

MAX_ATTEMPTS: Final = {MAIL: 40, RELAY: 6, ALERT: 12, CLEANUP: 12}
MINUTE, HOUR = 60.0, 3600.0
# Of webhooks, as Standard Webhooks recommends; a public contract. After the last pause it is tried once more.
WEBHOOK_PAUSES: Final = (
    5.0,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
MAX_RETRY_AFTER_SECONDS: Final = 24 * HOUR


@dataclass(frozen=True)
class Answer:
    """What the receiver answered: an HTTP status, None where there is none, and the beginning, without secrets."""

    status: int | None = None
    text: str = ""


class NotDeliveredError(Exception):
    """The message was not taken. `text` is a sentence for a person, without secrets.

    `final`: it is not tried again. `gone`: the receiver wants no more messages at all, so its address is disabled, with
    this text as the reason. `retry_after`: the seconds that it asked to be left alone, 0 for none.
    """

    def __init__(
        self, text: str, *, final: bool = False, gone: bool = False, retry_after: float = 0.0, answer: Answer = Answer()
    ) -> None:
        super().__init__(text)
        self.text = text
        self.final = final or gone
        self.gone = gone
        self.retry_after = min(retry_after, MAX_RETRY_AFTER_SECONDS)
        self.answer = answer


def max_attempts(kind: str) -> int:
    """How often a message of this kind is tried."""
    return len(WEBHOOK_PAUSES) + 1 if kind == WEBHOOK else MAX_ATTEMPTS[kind]


def is_last_attempt(message: OutboxMessage) -> bool:
    """Whether no attempt follows the one that is under way."""
    return message.attempts >= max_attempts(message.kind)
