"""The Celery tasks: thin. The database says what is due; the dispatcher publishes it; these do it."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Task, current_app, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from exports.housekeeping import sweep as sweeping
from exports.notify import outbox
from exports.queue import dispatcher, wakeup
from exports.queue import leases as leases
from exports.queue.capacity import CONTROL
from exports.queue.dispatcher import Message
from exports.queue.lease_keeper import lease_keeper
from exports.steps.run import advance_polls, run_step

log = logging.getLogger(__name__)

# A message that nobody took for so long has lost its reservation long ago: Celery drops it.
EXPIRES_SECONDS = 60
# Dispatches come several times a second, so one that waited for a second has been overtaken.
DISPATCH_EXPIRES_SECONDS = 2
# More than so many that nobody has read say nothing more.
MAX_DISPATCHES = 3


@shared_task(name="exports.dispatch", bind=True)
def dispatch(self: "Task[..., None]") -> None:
    """Publishes tasks for what is due, as far as there are free slots."""
    with _database():
        dispatcher.dispatch(_publish)


@shared_task(name="exports.submit", bind=True)
def submit(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Asks the provider for an export, or looks for its job when that was asked before."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.poll", bind=True)
def poll(self: "Task[..., None]", exports: Sequence[tuple[int, int]]) -> None:
    """Polls the jobs of these exports, given by id and fence."""
    _run(self, [(export_id, fence) for export_id, fence in exports], _polls)


@shared_task(name="exports.fetch", bind=True)
def fetch(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Downloads, verifies and keeps the file of an export."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.deliver", bind=True)
def deliver(self: "Task[..., None]", notice_id: int) -> None:
    """Sends one mail, or one message to an address that somebody named."""
    with _database(), _slot(self), lease_keeper.keeping(_task_id(self), delivery=notice_id):
        outbox.deliver(notice_id)


@shared_task(name="exports.sweep")
def sweep() -> None:
    """Tidies up."""
    with _database():
        sweeping.sweep()
        dispatcher.sweep()


def _run_steps(claims: list[leases.Claim]) -> None:
    for claim in claims:
        run_step(claim, SoftTimeLimitExceeded)


def _polls(claims: list[leases.Claim]) -> None:
    advance_polls(claims, SoftTimeLimitExceeded)


def _run(task: "Task[..., None]", reserved: list[tuple[int, int]], step: Callable[[list[leases.Claim]], None]) -> None:
    """Begins what is still reserved for this message, and keeps its leases while `step` runs."""
    with _database(), _slot(task):
        claims = leases.begin(reserved)
        if not claims:
            log.info("What the message %s carried is not reserved for it any more.", _task_id(task))
            return
        with lease_keeper.keeping(_task_id(task), claims):
            step(claims)


@contextmanager
def _database() -> Iterator[None]:
    """Begins with a connection that works. When the database goes away, leases bring everything back later."""
    close_old_connections()
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.warning("The database does not answer (%s); what was under way comes again.", type(error).__name__)
        connections.close_all()


@contextmanager
def _slot(task: "Task[..., None]") -> Iterator[None]:
    """Frees the slot that the message was published for, however the task ends."""
    try:
        yield
    finally:
        headers = task.request.headers or {}
        dispatcher.end(_task_id(task), more_due=bool(headers.get("more_due")))


def _task_id(task: "Task[..., None]") -> str:
    return str(task.request.id)


def _publish(messages: Sequence[Message]) -> None:
    tasks: dict[str, Any] = {one.name: one for one in (submit, poll, fetch, deliver)}
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
    """Publishes `exports.dispatch`, unless several wait unread already: then nobody reads the queue."""
    with current_app.producer_or_acquire() as producer:
        if count_waiting(producer.channel, CONTROL) < MAX_DISPATCHES:
            dispatch.apply_async(queue=CONTROL, expires=DISPATCH_EXPIRES_SECONDS, producer=producer, retry=False)


def count_waiting(channel: Any, queue: str) -> int:
    """How many messages of the queue nobody has taken. Declares the queue, as publishing would."""
    declared = current_app.amqp.queues[queue].bind(channel)
    declared.declare()
    # Not passively: an empty queue does not exist in Redis.
    return int(channel.queue_declare(queue=queue, durable=declared.durable, auto_delete=False).message_count)


wakeup.set_sender(send_dispatch)
