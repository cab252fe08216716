"""The dispatcher: claims what is due, as far as workers have free slots, and publishes a task message for it.

A claim made here is a reservation: it covers the message's time in the queue. The task that runs the message begins
with one conditional update (`claim.begin`), so a message that is late, lost or doubled changes nothing but latency.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from exports import clock, states
from exports.models import Reservation
from exports.queue import capacity, deliveries, leases, wakeup
from exports.queue.capacity import DELIVER, FETCH, POLL, SUBMIT, Capacity
from exports.queue.leases import Reserved

log = logging.getLogger(__name__)

# Any number that nothing else in this database locks.
LOCK: Final = 7_316_201
POLLS_TOGETHER: Final = 50
QUEUE_OF: Final = {states.SUBMIT: SUBMIT, states.FETCH: FETCH, states.POLL: POLL}


@dataclass(frozen=True)
class Message:
    """A task to be published: which, in which queue, with which arguments; `more_due`: its queue had no slot left."""

    task: str
    queue: str
    args: tuple[Any, ...]
    task_id: str
    more_due: bool = False


def dispatch(publish: Callable[[Sequence[Message]], None]) -> int:
    """Claims what is due and publishes it after the commit. Returns how many messages.

    When `publish` raises, what it was given is due again at once.
    """
    oldest = leases.oldest_due_by_step()
    any_delivery = deliveries.any_due()
    if not oldest and not any_delivery:
        return 0
    messages, reserved = _reserve(oldest, any_delivery)
    if not messages:
        return 0
    try:
        publish(messages)
    except Exception:
        _give_back(messages, reserved)
        raise
    return len(messages)


@transaction.atomic
def _reserve(oldest: dict[str, datetime], any_delivery: bool) -> tuple[list[Message], list[Reserved]]:
    if not _only_one():
        return [], []
    free, outstanding = capacity.read()
    running = [(team, project, number) for row in outstanding for team, project, number in row.exports]
    messages: list[Message] = []
    reserved: list[Reserved] = []
    rows: list[Reservation] = []
    for step, queue in QUEUE_OF.items():
        slots = free.free(queue)
        if step not in oldest or slots < 1:
            continue
        limit = slots * (POLLS_TOGETHER if queue == POLL else 1)
        found = leases.reserve([step], limit, oldest[step], running)
        made, left = _messages(queue, found, slots)
        leases.release_reserved(left)
        messages += made
        rows += [_row(one, found) for one in made]
        reserved += found
        free.take(queue, len(made))
    if any_delivery:
        made = _deliveries(free)
        messages += made
        rows += [_row(one, []) for one in made]
    Reservation.objects.bulk_create(rows)
    return messages, reserved


def _only_one() -> bool:
    """Dispatchers count free slots one at a time. SQLite has one writer anyway, whose turn this transaction is."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _messages(queue: str, found: Sequence[Reserved], slots: int) -> tuple[list[Message], list[Reserved]]:
    """The messages for what was claimed, and what there was no slot for."""
    if queue != POLL:
        name = "exports.submit" if queue == SUBMIT else "exports.fetch"
        more = len(found) >= slots
        return [Message(name, queue, (one.export_id, one.fence), _task_id(), more) for one in found], []
    alone = [[one] for one in found if one.polls_alone]
    others = [one for one in found if not one.polls_alone]
    batches = [*alone, *(others[at : at + POLLS_TOGETHER] for at in range(0, len(others), POLLS_TOGETHER))]
    more = len(batches) >= slots
    made = [
        Message("exports.poll", queue, ([(one.export_id, one.fence) for one in batch],), _task_id(), more)
        for batch in batches[:slots]
    ]
    return made, [one for batch in batches[slots:] for one in batch]


def _deliveries(free: Capacity) -> list[Message]:
    slots = free.free(DELIVER)
    found = deliveries.reserve(slots)
    more = len(found) >= slots
    return [Message("exports.deliver", DELIVER, (number,), _task_id(), more) for number in found]


def _row(message: Message, found: Iterable[Reserved]) -> Reservation:
    """What counts as one slot of the queue until the task has ended."""
    carried: Counter[tuple[int, int]] = Counter()
    if message.queue != DELIVER:
        pairs = message.args[0] if message.queue == POLL else [message.args]
        of = {one.export_id: (one.team_id, one.project_id) for one in found}
        carried.update(of[pair[0]] for pair in pairs)
    return Reservation(
        task_id=message.task_id,
        queue=message.queue,
        until=clock.seconds_from_now(leases.LEASE_SECONDS),
        exports=[[team, project, number] for (team, project), number in carried.items()],
    )


def _task_id() -> str:
    return str(uuid.uuid4())


def _give_back(messages: Sequence[Message], reserved: Sequence[Reserved]) -> None:
    """Nothing was published, or it cannot be known what: messages that were find their reservation gone."""
    leases.release_reserved(reserved)
    deliveries.release_reserved([one.args[0] for one in messages if one.queue == DELIVER])
    Reservation.objects.filter(task_id__in=[one.task_id for one in messages]).delete()


def renew(task_ids: Sequence[str]) -> None:
    """Keeps the slots of tasks that run."""
    Reservation.objects.filter(task_id__in=task_ids).update(until=clock.seconds_from_now(leases.LEASE_SECONDS))


def end(task_id: str, *, more_due: bool) -> None:
    """The task has ended: its slot is free, and where more was due than there were slots, the next may be published."""
    rows = Reservation.objects.filter(task_id=task_id)
    # Nothing points at it, so Django need read nothing before.
    rows._raw_delete(rows.db)
    if more_due:
        wakeup.now()


def sweep() -> None:
    """Removes the rows of messages that were lost, or whose process died."""
    Reservation.objects.filter(until__lt=clock.now() - timedelta(seconds=60)).delete()
