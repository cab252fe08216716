"""Running the dispatcher soon, because something became due: a hint. Losing it costs a fraction of a second."""

import logging
import time
from collections.abc import Callable

from django.db import transaction

BROKER_RETRY_SECONDS = 5.0
# A process sends no more than ten a second; beat runs the dispatcher anyway.
APART_SECONDS = 0.1
_broker_retry_at = 0.0
_sent_at = 0.0
log = logging.getLogger(__name__)

_send: Callable[[], None] = lambda: None  # noqa: E731  set by `tasks`, which imports the engine and not the reverse


def set_sender(send: Callable[[], None]) -> None:
    """Sets how hints are sent."""
    global _send
    _send = send


def wake_after_commit() -> None:
    """Sends a hint once the transaction is committed. A broker that is away never hurts."""
    transaction.on_commit(now)


def now() -> None:
    """Sends a hint at once."""
    global _broker_retry_at, _sent_at
    at = time.monotonic()
    if at < _broker_retry_at or at < _sent_at + APART_SECONDS:
        return
    _sent_at = at
    try:
        _send()
    except Exception as error:
        # A broker that is silent costs each caller its time-out, so it is left alone for a while.
        _broker_retry_at = time.monotonic() + BROKER_RETRY_SECONDS
        log.info("The hint was not sent (%s); workers look by themselves.", type(error).__name__)
