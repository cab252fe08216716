"""The Celery tasks. The database says what is due, the dispatcher publishes it, and these tasks run it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Task, current_app, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from exports.housekeeping import sweep as sweeping
from exports.notify import outbox
from exports.queue import dispatcher, leases, wakeup
from exports.queue.capacity import CONTROL
from exports.queue.dispatcher import Message
from exports.queue.lease_keeper import lease_keeper
from exports.queue.node import shared
from exports.steps.run import advance_polls, run_step

log = logging.getLogger(__name__)

# The reservation of a message that waited for so long ended long ago, so Celery drops the message.
EXPIRES_SECONDS = 60
# Dispatches come several times a second, so a message that waited for longer has been superseded.
DISPATCH_EXPIRES_SECONDS = 2
# With so many unread dispatches in the queue, another one would add nothing.
MAX_DISPATCHES = 3
HEALTH_CHECK_SECONDS = 1.0
# On hints the processes of a node together run the dispatcher at most ten times a second.
HINT_SECONDS = 0.1
_checked = threading.local()


@shared_task(name="exports.dispatch", bind=True)
def dispatch(self: "Task[..., None]") -> None:
    """Publishes tasks for what is due, as far as there are free slots."""
    with _database():
        dispatcher.dispatch(_publish)


@shared_task(name="exports.submit", bind=True)
def submit(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Requests an export from the provider, or searches for its job where a request may have been executed."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.poll", bind=True)
def poll(self: "Task[..., None]", exports: Sequence[tuple[int, int]]) -> None:
    """Polls the jobs of exports, given as pairs of id and fence."""
    _run(self, [(export_id, fence) for export_id, fence in exports], _polls)


@shared_task(name="exports.fetch", bind=True)
def fetch(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Downloads, verifies and stores the file of an export."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.deliver", bind=True)
def deliver(self: "Task[..., None]", message_id: int) -> None:
    """Sends one outbox message: a mail, or progress to the address that the user named."""
    with _database(), _slot(self), lease_keeper.keeping(_task_id(self), delivery=message_id):
        outbox.deliver(message_id)


@shared_task(name="exports.sweep")
def sweep() -> None:
    """Does the housekeeping."""
    with _database():
        sweeping.sweep()
        dispatcher.sweep()


def _run_steps(claims: list[leases.Claim]) -> None:
    for claim in claims:
        run_step(claim, SoftTimeLimitExceeded)


def _polls(claims: list[leases.Claim]) -> None:
    advance_polls(claims, SoftTimeLimitExceeded)


def _run(task: "Task[..., None]", reserved: list[tuple[int, int]], step: Callable[[list[leases.Claim]], None]) -> None:
    """Begins the exports that are still reserved for this message, and renews their leases while `step` runs."""
    with _database(), _slot(task):
        claims = leases.begin(reserved)
        if not claims:
            log.info("What the message %s carried is not reserved for it any more.", _task_id(task))
            return
        with lease_keeper.keeping(_task_id(task), claims):
            step(claims)


@contextmanager
def _database() -> Iterator[None]:
    """Drops connections that are broken or too old. When the database goes away, the work is due again later."""
    close_old_connections()
    _skip_recent_health_check()
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.warning("The database does not answer (%s); what was under way comes again.", type(error).__name__)
        connections.close_all()


def _skip_recent_health_check() -> None:
    """A connection that answered within the last second need not be asked again before it is used."""
    now = time.monotonic()
    if now < getattr(_checked, "at", 0.0) + HEALTH_CHECK_SECONDS:
        for connection in connections.all(initialized_only=True):
            connection.health_check_done = True  # type: ignore[attr-defined]
    else:
        _checked.at = now


@contextmanager
def _slot(task: "Task[..., None]") -> Iterator[None]:
    """Frees the message's slot when the task ends, however it ends, and then fills the free slots if more is due."""
    hints: list[bool] = []
    try:
        with wakeup.collected() as hints:
            yield
    finally:
        dispatcher.end(_task_id(task))
        if (task.request.headers or {}).get("more_due") or (hints and shared.take_dispatch(HINT_SECONDS)):
            _dispatch_now()


def _dispatch_now() -> None:
    """Runs the dispatcher in this process. Without a broker what is due stays due, and beat's dispatches go on."""
    try:
        dispatcher.dispatch(_publish)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.info("Nothing was published (%s); it is due again at the next dispatch.", type(error).__name__)


def _task_id(task: "Task[..., None]") -> str:
    return str(task.request.id)


def _publish(messages: Sequence[Message]) -> None:
    tasks: dict[str, Any] = {task.name: task for task in (submit, poll, fetch, deliver)}
    with current_app.producer_or_acquire() as producer:
        for message in messages:
            tasks[message.task].apply_async(
                args=message.args,
                queue=message.queue,
                task_id=message.task_id,
                headers={"more_due": message.more_due},
                expires=EXPIRES_SECONDS,
                producer=producer,
                retry=False,
            )


def send_dispatch() -> None:
    """Publishes `exports.dispatch`, unless MAX_DISPATCHES of them are unread: then no node reads the queue."""
    with current_app.producer_or_acquire() as producer:
        if count_waiting(producer.channel, CONTROL) < MAX_DISPATCHES:
            dispatch.apply_async(queue=CONTROL, expires=DISPATCH_EXPIRES_SECONDS, producer=producer, retry=False)


def count_waiting(channel: Any, queue: str) -> int:
    """The number of messages in the queue that no node has taken. Declares the queue, as publishing would."""
    declared = current_app.amqp.queues[queue].bind(channel)
    declared.declare()
    # Not a passive declaration: in Redis an empty queue does not exist.
    return int(channel.queue_declare(queue=queue, durable=declared.durable, auto_delete=False).message_count)


wakeup.set_sender(send_dispatch)
