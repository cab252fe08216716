"""Sends outbox messages of every kind, and records how it went. Changes no export."""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from exports import clock
from exports.audit import log as audit_log
from exports.models import Alert, OutboxMessage, Webhook
from exports.models.outbox import ALERT, CLEANUP, MAIL, RELAY, WEBHOOK
from exports.notify import alerts, cleanups, deletion_notices, expiry_notices, mails, relays, token_notices, webhooks
from exports.notify.delivery import WEBHOOK_PAUSES, Answer, NotDeliveredError, is_last_attempt
from exports.queue import deliveries
from exports.transport.errors import ProviderError

log = logging.getLogger(__name__)

# Each sends one message, and raises NotDeliveredError, or anything else to be tried again.
SENDERS: Final[Mapping[str, Callable[[OutboxMessage], Answer]]] = {
    MAIL: mails.send,
    RELAY: relays.send,
    ALERT: alerts.send,
    WEBHOOK: webhooks.send,
    CLEANUP: cleanups.send,
}
# What is due for one recipient goes one by one, in one task: others get its slot after so long.
SECONDS_TOGETHER: Final = 3.0
# An address at which nothing but failures came for so long gets no more messages until a person enables it again.
MAX_FAILING: Final = timedelta(days=5)
TURNED_OFF: Final = "It was turned off before this was sent."


def deliver(message_id: int, on_begin: Callable[[int], None] = lambda pk: None) -> int:
    """Sends an outbox message that is reserved for this task, and what else is due for its recipient, one by one.

    It ends after SECONDS_TOGETHER, or where one is not taken. `on_begin` is called with the id of each that follows,
    whose lease must be renewed from then on. Returns how many were sent.
    """
    message = deliveries.begin(message_id)
    ends = clock.monotonic() + SECONDS_TOGETHER
    sent = 0
    while message is not None:
        try:
            answer = _sender_of(message)(message)
        except Exception as error:
            _record_failure(message, _explain(error))
            break
        following = deliveries.begin_next(message) if clock.monotonic() < ends else None
        if following is not None:
            on_begin(following.pk)
        _record_success(message, answer)
        sent += 1
        message = following
    return sent


def _sender_of(message: OutboxMessage) -> Callable[[OutboxMessage], Answer]:
    if token_notices.is_token_notice(message):
        return token_notices.send
    if deletion_notices.is_deletion_notice(message):
        return deletion_notices.send
    return expiry_notices.send if expiry_notices.is_expiry_notice(message) else SENDERS[message.kind]


def _record_success(message: OutboxMessage, answer: Answer) -> None:
    _record(message, answer, due_at=None, sent_at=clock.now(), last_error="")
    if (target := message.webhook or message.alert) is not None and target.failing_since is not None:
        type(target).objects.filter(pk=target.pk).update(failing_since=None)


def _explain(error: Exception) -> NotDeliveredError:
    if isinstance(error, NotDeliveredError):
        return error
    return NotDeliveredError(error.message if isinstance(error, ProviderError) else type(error).__name__)


def _record_failure(message: OutboxMessage, problem: NotDeliveredError) -> None:
    given_up = problem.final or is_last_attempt(message)
    log.warning("Outbox message %s was not sent (%s)%s.", message.pk, problem.text, "; given up" if given_up else "")
    due_at = None if given_up else clock.seconds_from_now(max(_pause(message), problem.retry_after))
    _record(message, problem.answer, due_at=due_at, last_error=_storable(problem.text)[:300])
    if given_up and message.kind == CLEANUP:
        cleanups.record_given_up(message, problem.text)
    if (target := message.webhook or message.alert) is not None and target.enabled:
        _record_failing(target, problem)


def _pause(message: OutboxMessage) -> float:
    """Seconds until the next attempt."""
    if message.kind == WEBHOOK:
        return WEBHOOK_PAUSES[min(message.attempts, len(WEBHOOK_PAUSES)) - 1]
    return clock.backoff(message.attempts - 1, base_seconds=5.0, max_seconds=3600.0)


def _record(message: OutboxMessage, answer: Answer, **fields: Any) -> None:
    """Writes the outcome and ends the lease, unless another attempt has begun meanwhile."""
    rows = OutboxMessage.objects.filter(pk=message.pk, attempts=message.attempts)
    rows.update(held_until=None, answer_status=answer.status, answer=_storable(answer.text)[:500], **fields)


def _storable(text: str) -> str:
    """What others sent may hold characters that no database keeps, or that break a page."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).strip()


def _record_failing(target: Webhook | Alert, problem: NotDeliveredError) -> None:
    """Notes since when nothing but failures came; disables the address after MAX_FAILING, or where it is gone."""
    now = clock.now()
    if problem.gone:
        _disable(target, problem.text)
    elif target.failing_since is None:
        type(target).objects.filter(pk=target.pk, failing_since=None).update(failing_since=now)
    elif target.failing_since <= now - MAX_FAILING:
        _disable(target, f"Nothing but failures for five days. The last one: {problem.text}")


def _disable(target: Webhook | Alert, reason: str) -> None:
    """Turns a webhook or an alert off, with what waits for it; the team's log says so."""
    with transaction.atomic():
        rows = type(target).objects.filter(pk=target.pk, enabled=True, failing_since=target.failing_since)
        if rows.update(enabled=False, disabled_reason=_storable(reason)[:300]):
            deliveries.give_up_waiting(TURNED_OFF, **{type(target).__name__.lower(): target.pk})
            audit_log.record_event(target.team_id, "the portal", "turned off", str(target), reason)
