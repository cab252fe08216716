"""Asks DEAD_MAN_URL once a minute while everything goes on. Whoever is behind it raises the alarm when that stops."""

import logging
from typing import Final

from django.conf import settings

from exports.credentials.client import address_guard
from exports.models import LastRun
from exports.models.incident import DEAD_MAN
from exports.transport.client import CallRecord
from exports.transport.open_url import open_url

log = logging.getLogger(__name__)

# A little less than a minute, so that what looks every few seconds asks once in each.
EVERY_SECONDS: Final = 57.0
ANSWER_SECONDS: Final = 10.0


def ask() -> bool:
    """Asks, unless that was done less than a minute ago. Returns whether the address answered 2xx.

    Raises only the database's errors. The address is a secret: whoever knows it can keep the monitor quiet.
    """
    if not settings.DEAD_MAN_URL or not LastRun.take_turn(DEAD_MAN, EVERY_SECONDS):
        return False
    try:
        with open_url(
            settings.DEAD_MAN_URL, address_guard(), {}, _forget, seconds=ANSWER_SECONDS, label="DEAD_MAN_URL"
        ) as answer:
            if 200 <= answer.status < 300:
                return True
            log.warning("DEAD_MAN_URL answered %s.", answer.status)
    except Exception as error:
        log.warning("DEAD_MAN_URL could not be asked (%s).", type(error).__name__)
    return False


def _forget(call: CallRecord) -> None:
    """Nobody looks for these calls."""
