"""A real Celery worker in the test's own process, with its thread pool and the embedded broker."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from celery.contrib.testing.worker import start_worker
from django.db import connection, connections

from exports.queue import messages
from exports.queue.lease_keeper import lease_keeper
from exports.queue.node import NodeState, shared
from portal import worker as portal_worker
from portal.celery import app

DISPATCH_SECONDS = 0.1


@contextmanager
def running_worker(slots: int = 8, queues: Sequence[str] = (), *, stop_seconds: float = 20.0) -> Iterator[None]:
    """Runs a worker with so many slots on these queues (all by default), and what beat does: dispatches."""
    portal_worker.install(app)
    _purge()
    shared.write(NodeState())
    done = threading.Event()
    beat = threading.Thread(target=_dispatch_until, args=(done,), daemon=True)
    options: dict[str, Any] = {"queues": list(queues)} if queues else {}
    started = start_worker(
        app, pool="threads", concurrency=slots, perform_ping_check=False, shutdown_timeout=stop_seconds, **options
    )
    # Celery sets Django up again, which would take away the handlers that tests have added to the log.
    with mock.patch("django.setup"), started:
        lease_keeper.start()
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()
            portal_worker.mark_stopping()
    lease_keeper.stop()
    shared.write(NodeState())
    _end_sessions()


def _end_sessions() -> None:
    """The pool's threads have ended and left their connections open, which would keep the test database from going."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def _dispatch_until(done: threading.Event) -> None:
    while not done.wait(DISPATCH_SECONDS):
        messages.send_dispatch()
    connections.close_all()


def _purge() -> None:
    with app.connection_for_write() as broker:
        for queue in app.amqp.queues.values():
            bound = queue.bind(broker.default_channel)
            bound.declare()
            bound.purge()
