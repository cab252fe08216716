"""The dispatcher: reserves what is due, as far as workers have free slots, and publishes a task message for it.

A reservation covers the message's time in the queue. The task that runs the message begins
with one conditional update (`leases.begin`), so a message that is late, lost or delivered twice changes only latency.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from exports import clock, states
from exports.models import Reservation
from exports.queue import capacity, deliveries, fairness, leases
from exports.queue.batch_sql import insert_many
from exports.queue.capacity import DELIVER, FETCH, POLL, SUBMIT
from exports.queue.leases import DELIVERY, Reserved

log = logging.getLogger(__name__)

# The key of the advisory lock: a number that nothing else in this database locks.
LOCK: Final = 7_316_201
POLLS_TOGETHER: Final = 50
STEP_OF: Final = {POLL: states.POLL, FETCH: states.FETCH, SUBMIT: states.SUBMIT}


@dataclass(frozen=True)
class Message:
    """A task message to be published. `more_due`: its task runs the dispatcher when it ends."""

    task: str
    queue: str
    args: tuple[Any, ...]
    task_id: str
    more_due: bool = False


def dispatch(publish: Callable[[Sequence[Message]], None]) -> int:
    """Reserves what is due and publishes it after the commit. Returns the number of messages.

    When `publish` raises, everything that was reserved is due again at once.
    """
    oldest = leases.oldest_due_by_step()
    any_delivery = oldest.pop(DELIVERY, None) is not None
    if not oldest and not any_delivery:
        return 0
    messages, reserved = _reserve(oldest, any_delivery)
    if not messages:
        return 0
    try:
        publish(messages)
    except Exception:
        _release(messages, reserved)
        raise
    return len(messages)


@transaction.atomic
def _reserve(oldest: dict[str, datetime], any_delivery: bool) -> tuple[list[Message], list[Reserved]]:
    if not _lock_for_counting():
        return [], []
    free, running = capacity.read()
    batch = _Batch()
    due = [*(queue for queue in STEP_OF if STEP_OF[queue] in oldest), *([DELIVER] if any_delivery else [])]
    # Queues that share slots get equal parts of them; what one of them leaves over goes to the others.
    while due:
        full: list[str] = []
        for number, queue in enumerate(due):
            slots = free.free(queue)
            if slots < 1:
                continue
            part = max(1, slots // (len(due) - number))
            count = _fill(batch, queue, part, oldest, running)
            free.take(queue, count)
            if count == part:
                full.append(queue)
        due = [queue for queue in full if free.free(queue)]
    insert_many(batch.reservations)
    return batch.messages, batch.reserved


@dataclass
class _Batch:
    """What one dispatch has reserved so far."""

    messages: list[Message] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)


def _fill(
    batch: _Batch, queue: str, slots: int, oldest: Mapping[str, datetime], running: Sequence[fairness.Running]
) -> int:
    """Reserves what is due for a queue, up to so many messages. Returns how many there are."""
    owners: dict[int, tuple[int, int]] = {}
    if queue == DELIVER:
        messages = [Message("exports.deliver", DELIVER, (pk,), _task_id()) for pk in deliveries.reserve(slots)]
    else:
        step = STEP_OF[queue]
        limit = slots * (POLLS_TOGETHER if queue == POLL else 1)
        exports = leases.reserve([step], limit, oldest[step], running)
        messages, without_slot = _messages(queue, exports, slots)
        leases.release_reserved(without_slot)
        owners = {export.export_id: (export.team_id, export.project_id) for export in exports}
        batch.reserved += exports
    messages = _mark_more_due(messages, slots)
    batch.messages += messages
    batch.reservations += [_reservation(message, owners) for message in messages]
    return len(messages)


def _lock_for_counting() -> bool:
    """Whether this dispatcher may count free slots: one may at a time. SQLite has one writer at a time anyway."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _messages(queue: str, exports: Sequence[Reserved], slots: int) -> tuple[list[Message], list[Reserved]]:
    """The messages for reserved exports, and the exports for which there was no slot."""
    if queue != POLL:
        name = "exports.submit" if queue == SUBMIT else "exports.fetch"
        return [Message(name, queue, (export.export_id, export.fence), _task_id()) for export in exports], []
    alone = [[export] for export in exports if export.polls_alone]
    others = [export for export in exports if not export.polls_alone]
    batches = [*alone, *(others[at : at + POLLS_TOGETHER] for at in range(0, len(others), POLLS_TOGETHER))]
    messages = [
        Message("exports.poll", queue, ([(export.export_id, export.fence) for export in batch],), _task_id())
        for batch in batches[:slots]
    ]
    return messages, [export for batch in batches[slots:] for export in batch]


def _mark_more_due(messages: list[Message], slots: int) -> list[Message]:
    """Where these take all free slots, one of them runs the dispatcher when it ends, since more may be due.

    Not the first, so that one dispatch finds several slots free, nor the last, so that none stays free for long.
    """
    if messages and len(messages) >= slots:
        at = (len(messages) - 1) * 3 // 4
        messages[at] = replace(messages[at], more_due=True)
    return messages


def _reservation(message: Message, owners: Mapping[int, tuple[int, int]]) -> Reservation:
    """The row that counts as one slot of the queue until the task has ended.

    `owners`: team id and project id, by export id.
    """
    carried: Counter[tuple[int, int]] = Counter()
    if message.queue != DELIVER:
        pairs = message.args[0] if message.queue == POLL else [message.args]
        carried.update(owners[export_id] for export_id, _fence in pairs)
    return Reservation(
        task_id=message.task_id,
        queue=message.queue,
        until=clock.seconds_from_now(leases.LEASE_SECONDS),
        exports=[[team, project, number] for (team, project), number in carried.items()],
    )


def _task_id() -> str:
    return str(uuid.uuid4())


def _release(messages: Sequence[Message], reserved: Sequence[Reserved]) -> None:
    """Releases what was reserved for messages that may not have been published; those that were are then dropped."""
    leases.release_reserved(reserved)
    deliveries.release_reserved([message.args[0] for message in messages if message.queue == DELIVER])
    Reservation.objects.filter(task_id__in=[message.task_id for message in messages]).delete()


def renew(task_ids: Sequence[str]) -> None:
    """Keeps the slots of running tasks for another LEASE_SECONDS."""
    Reservation.objects.filter(task_id__in=task_ids).update(until=clock.seconds_from_now(leases.LEASE_SECONDS))


def end(task_id: str) -> None:
    """Frees the slot of a task that has ended."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM exports_reservation WHERE task_id = %s", [task_id])


def sweep() -> None:
    """Deletes the rows of messages that were lost or whose process died."""
    Reservation.objects.filter(until__lt=clock.now() - timedelta(seconds=60)).delete()
