"""Beat's scheduler: entries kept in memory, dispatches that do not pile up, and a heartbeat of its own."""

import logging
import os
import signal
import socket
import threading
import time
from typing import Any, Final

from celery.beat import Scheduler as CeleryScheduler

from portal.watch import Watch

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 5.0
# Celery wakes ten milliseconds early and then spins until an entry is due. At four entries a second that costs a
# twentieth of a core.
LATE_SECONDS: Final = 0.005


class Scheduler(CeleryScheduler):
    """Celery's scheduler, which keeps no file and does not wake early."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.beaten_at = -BEAT_SECONDS
        self.watch = Watch()
        self.stopping = False
        _require_prepared_database()
        super().__init__(*args, **kwargs)

    @property
    def heartbeat(self) -> str:
        """The name of this beat's heartbeat row."""
        return f"beat:{socket.gethostname()}:{os.getpid()}"

    def adjust(self, n: Any, drift: float = LATE_SECONDS) -> Any:
        """Seconds until an entry is due, a little later instead of a little earlier."""
        return n + drift if n and n > 0 else n

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        """One round; writes the heartbeat row every BEAT_SECONDS. Raises SystemExit once beat is to end."""
        now = time.monotonic()
        if self.beaten_at < 0:
            self._end_between_rounds()
        if self.stopping:
            raise SystemExit
        if now > self.beaten_at + BEAT_SECONDS:
            self.beaten_at = now
            self.watch.start()
            self._beat()
        return super().tick(*args, **kwargs)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Publishes an entry's task; those that come every few seconds only while a node reads the queue."""
        from exports.queue import messages

        senders = {
            messages.DISPATCH: messages.send_dispatch,
            messages.RUN_SCHEDULES: messages.send_run_schedules,
            messages.EXAMINE: messages.send_examine,
        }
        if (send := senders.get(entry.task)) is not None:
            if advance:
                self.reserve(entry)
            return send()
        return super().apply_async(entry, producer=producer, advance=advance, **kwargs)

    def close(self) -> None:
        """Deletes the heartbeat row, so that a beat that was stopped is not shown as gone."""
        from exports.models import Heartbeat

        self.watch.stop()
        try:
            Heartbeat.objects.filter(name=self.heartbeat).delete()
        except Exception as error:
            log.info("The heartbeat could not be removed (%s).", type(error).__name__)
        super().close()

    def _end_between_rounds(self) -> None:
        """Has SIGTERM and SIGINT end beat after the round that is under way; a second one ends it at once.

        Celery's own handler closes the scheduler wherever the process is. In the middle of a query the connection is
        locked, and removing the heartbeat would wait for that for ever.
        """

        def stop(*_: object) -> None:
            if self.stopping:
                raise SystemExit
            self.stopping = True

        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, stop)
            signal.signal(signal.SIGINT, stop)

    def _beat(self) -> None:
        from django.db import close_old_connections, connections

        from exports.models import Heartbeat

        try:
            close_old_connections()
            Heartbeat.record(self.heartbeat)
        except Exception as error:
            log.warning("The heartbeat could not be written (%s).", type(error).__name__)
            connections.close_all()


def _require_prepared_database() -> None:
    from exports.management.start_check import why_not_start

    if sentence := why_not_start():
        raise SystemExit(sentence)
