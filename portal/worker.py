"""What a worker node adds to Celery's own: it reports its queues and slots, and gives up long steps when it stops.

The parent process of a prefork pool opens no database connection and starts no thread here. It writes the node's
state into shared memory (`exports.queue.node`); the lease keeper of its child processes does the rest.
"""

import gc
import logging
import os
import time
from typing import Any, Final

from celery import Celery, bootsteps, signals
from celery.worker import state as worker_state
from celery.worker.consumer import Consumer as CeleryConsumer

from exports.queue.lease_keeper import lease_keeper
from exports.queue.node import NodeState, shared

log = logging.getLogger(__name__)

REPORT_SECONDS: Final = 1.0
EVENTS_SECONDS: Final = 0.2
# The longest pause between attempts to reach the broker; Celery's own pauses grow to half a minute.
MAX_RECONNECT_SECONDS: Final = 3
POOLS_WITH_TIME_LIMITS: Final = ("prefork", "processes")
REFUSED_POOLS: Final = ("gevent", "eventlet")


class Consumer(CeleryConsumer):
    """Celery's consumer, with short pauses between attempts to reach a broker that is away, and events sent together.

    Celery sends the events of each round of its loop, a message for nearly every event; a prefork pool runs hundreds a
    second.
    """

    hub: Any
    _flush_events: Any
    _events_at = 0.0

    def on_send_event_buffered(self) -> Any:
        """Plans to send the events that will have come in EVENTS_SECONDS, unless that is planned already."""
        now = time.monotonic()
        if self.hub and now >= self._events_at:
            self._events_at = now + EVENTS_SECONDS
            self.hub.call_later(EVENTS_SECONDS, self._flush_events)

    def ensure_connected(self, conn: Any) -> Any:
        """Returns the connection as soon as it can be made."""
        ensure = conn.ensure_connection

        def ensure_with_short_pauses(*args: Any, **kwargs: Any) -> Any:
            return ensure(
                *args, **{"interval_start": 1, "interval_step": 1, **kwargs, "interval_max": MAX_RECONNECT_SECONDS}
            )

        conn.ensure_connection = ensure_with_short_pauses
        return super().ensure_connected(conn)


class NodeReporter(bootsteps.StartStopStep):
    """Writes the node's state once a second while it is connected to the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **kwargs: Any) -> None:
        self.timer: Any = None
        super().__init__(consumer, **kwargs)

    def start(self, consumer: Any) -> None:
        """Reports that the node takes messages from now on."""
        self.report(consumer)
        self.timer = consumer.timer.call_repeatedly(REPORT_SECONDS, self.report, (consumer,))

    def stop(self, consumer: Any) -> None:
        """Reports no queues, because the connection was lost or the node stops: nothing must be published for it."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        old = shared.read()
        shared.write(NodeState(consumer.hostname, (), 0, 0, old.stopping, os.getpid()))

    shutdown = stop

    def report(self, consumer: Any) -> None:
        """Writes the current state; remote control may have added a queue or changed the pool's size."""
        queues = tuple(queue.name for queue in consumer.task_consumer.queues) if consumer.task_consumer else ()
        scaler = consumer.controller.autoscaler
        slots = scaler.max_concurrency if scaler else consumer.pool.num_processes
        busy = len(worker_state.active_requests)
        stopping = shared.read().stopping
        shared.write(NodeState(consumer.hostname, queues, slots, busy, stopping, os.getpid()))


def install(app: Celery) -> None:
    """Loads the tasks, and adds the node reporter to workers of the application."""
    app.autodiscover_tasks(force=True)
    app.steps["consumer"].add(NodeReporter)


@signals.celeryd_after_setup.connect
def check_database(**_: Any) -> None:
    """Ends the worker with a sentence where the database is not what it needs; leaves no connection open."""
    from exports.management.start_check import why_not_start

    if sentence := why_not_start():
        raise SystemExit(sentence)


@signals.celeryd_after_setup.connect
def check_pool(instance: Any, **_: Any) -> None:
    """Refuses pools that cannot run the steps, and warns of what threads and solo ignore."""
    pool = instance.pool_cls.__module__.rpartition(".")[2]
    if pool in REFUSED_POOLS:
        raise SystemExit(
            f"The pool {pool} is not supported: downloads and database connections of the portal use real threads."
            " Start the worker with -P prefork or -P threads."
        )
    if pool not in POOLS_WITH_TIME_LIMITS:
        log.warning("The pool %s ignores time limits and --max-tasks-per-child; prefork observes them.", pool)
        signals.worker_ready.connect(start_lease_keeper)
        signals.worker_shutdown.connect(stop_lease_keeper)


@signals.worker_process_init.connect
def start_lease_keeper(**_: Any) -> None:
    """Starts the lease keeper: in each process of a prefork pool after the fork, else in the only process."""
    # What was imported lives as long as the process, so the garbage collector need not look at it again and again.
    gc.freeze()
    lease_keeper.start()


@signals.worker_shutting_down.connect
def mark_stopping(**_: Any) -> None:
    """Marks the node as stopping. A warm shutdown waits for every task, so lease keepers end downloads and polls."""
    old = shared.read()
    shared.write(NodeState(old.name, (), 0, old.busy, True, os.getpid()))


@signals.worker_process_shutdown.connect
def stop_lease_keeper(**_: Any) -> None:
    """Stops the lease keeper when the node stops, not when the pool only replaces a process."""
    if shared.read().stopping:
        lease_keeper.stop()
