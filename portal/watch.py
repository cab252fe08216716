"""A thread of beat that watches the rest: asks DEAD_MAN_URL while all goes on, and mails OPERATORS when it does not.

In beat, because it needs no worker and no queue. When beat itself dies the address is asked no more, which is what it
is there for. It is a thread, because a mail server or a monitor that does not answer must not hold up dispatches.
"""

import logging
import threading
from typing import Final

from django.conf import settings

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 10.0


class Watch:
    """Looks every INTERVAL_SECONDS, if there is somebody to tell."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the thread, unless it runs or nobody is to be told."""
        if not self._threads and (settings.OPERATORS or settings.DEAD_MAN_URL):
            self._threads.append(threading.Thread(target=self._run, name="watch", daemon=True))
            self._threads[0].start()

    def stop(self) -> None:
        """Ends it after the round that is under way, which nobody waits for."""
        self._stopped.set()

    def _run(self) -> None:
        from django.db import connections

        while not self._stopped.wait(INTERVAL_SECONDS):
            try:
                watch_once()
            except Exception as error:
                log.warning("The portal could not be watched (%s); it is tried again.", type(error).__name__)
            finally:
                connections.close_all()


def watch_once() -> None:
    """One round. Raises the database's errors: while it is away, DEAD_MAN_URL is not asked either."""
    from exports import clock
    from exports.metrics import dead_man, incidents, operators

    clock.sync_with_database()
    current = incidents.current_incidents()
    if not current:
        dead_man.ask()
    incidents.record(current)
    operators.mail_operators()
