"""Messages to the tasks, which are named here and not imported: who only sends one loads nothing of what tasks do."""

from collections.abc import Sequence
from typing import Any

from celery import current_app

from exports.queue.capacity import CONTROL
from exports.queue.dispatcher import Message

# The reservation of a message that waited for so long ended long ago, so Celery drops the message.
EXPIRES_SECONDS = 60
# Dispatches come several times a second, so a message that waited for longer has been superseded.
DISPATCH_EXPIRES_SECONDS = 2
# Beat asks every few seconds, so a message that waited for longer has been superseded.
SCHEDULES_EXPIRE_SECONDS = 10
# With so many unread messages in the queue, another one would add nothing.
MAX_UNREAD = 3

DISPATCH = "exports.dispatch"
RUN_SCHEDULES = "exports.run_schedules"
EXAMINE = "exports.examine"
DISCOVER = "exports.discover"


def publish(messages: Sequence[Message]) -> None:
    """Publishes the tasks of a dispatch. Raises what the broker's client raises, after some of them perhaps."""
    with current_app.producer_or_acquire() as producer:
        for message in messages:
            current_app.send_task(
                message.task,
                args=message.args,
                queue=message.queue,
                task_id=message.task_id,
                headers={"more_due": message.more_due},
                expires=EXPIRES_SECONDS,
                producer=producer,
                retry=False,
            )


def send_dispatch() -> None:
    """Publishes `exports.dispatch`, unless MAX_UNREAD messages wait in its queue: then no node reads it."""
    _send_unless_unread(DISPATCH, DISPATCH_EXPIRES_SECONDS)


def send_run_schedules() -> None:
    """Publishes `exports.run_schedules`, unless MAX_UNREAD messages wait in its queue."""
    _send_unless_unread(RUN_SCHEDULES, SCHEDULES_EXPIRE_SECONDS)


def send_examine() -> None:
    """Publishes `exports.examine`, unless MAX_UNREAD messages wait in its queue."""
    _send_unless_unread(EXAMINE, EXPIRES_SECONDS)


def send_discovery() -> None:
    """Publishes `exports.discover`, unless MAX_UNREAD messages wait in its queue."""
    _send_unless_unread(DISCOVER, EXPIRES_SECONDS)


def _send_unless_unread(task: str, expires: float) -> None:
    with current_app.producer_or_acquire() as producer:
        if count_waiting(producer.channel, CONTROL) < MAX_UNREAD:
            current_app.send_task(task, queue=CONTROL, expires=expires, producer=producer, retry=False)


def count_waiting(channel: Any, queue: str) -> int:
    """The number of messages in the queue that no node has taken. Declares the queue, as publishing would."""
    declared = current_app.amqp.queues[queue].bind(channel)
    declared.declare()
    # Not a passive declaration: in Redis an empty queue does not exist.
    return int(channel.queue_declare(queue=queue, durable=declared.durable, auto_delete=False).message_count)
