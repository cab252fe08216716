"""Wakes the dispatcher when something becomes due. A wake-up that is lost delays work by a fraction of a second."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from exports.queue import messages

BROKER_RETRY_SECONDS = 5.0
# A process sends at most ten wake-ups a second; beat runs the dispatcher anyway.
MIN_INTERVAL_SECONDS = 0.1
_broker_retry_at = 0.0
_sent_at = 0.0
log = logging.getLogger(__name__)
_collecting = threading.local()


def discover_now() -> None:
    """Has the projects listed that somebody asked for. Raises nothing: beat has it done within a minute anyway."""
    try:
        messages.send_discovery()
    except Exception as error:
        log.info("The discovery was not sent (%s); beat has it done anyway.", type(error).__name__)


def wake_after_commit() -> None:
    """Sends a wake-up after the commit. Raises nothing when the broker is away."""
    transaction.on_commit(now)


@contextmanager
def collected() -> Iterator[list[bool]]:
    """Sends nothing for this thread's wake-ups while the block runs; the list is empty where there were none.

    For tasks, which run the dispatcher themselves when they end: that costs less than a message to another process.
    """
    asked: list[bool] = []
    _collecting.asked = asked
    try:
        yield asked
    finally:
        _collecting.asked = None


def now() -> None:
    """Sends a wake-up, unless one was just sent or the broker has not answered lately. Raises nothing."""
    global _broker_retry_at, _sent_at
    if (asked := getattr(_collecting, "asked", None)) is not None:
        asked.append(True)
        return
    at = time.monotonic()
    if at < _broker_retry_at or at < _sent_at + MIN_INTERVAL_SECONDS:
        return
    _sent_at = at
    try:
        messages.send_dispatch()
    except Exception as error:
        # A broker that does not answer costs each caller a time-out, so nothing is sent for a while.
        _broker_retry_at = time.monotonic() + BROKER_RETRY_SECONDS
        log.info("The wake-up was not sent (%s); beat runs the dispatcher anyway.", type(error).__name__)
