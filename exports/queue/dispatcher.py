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
from exports.queue import capacity, deliveries, fairness, leases, preemption
from exports.queue.batch_sql import insert_many
from exports.queue.capacity import DELIVER, FETCH, POLL, SUBMIT
from exports.queue.leases import DELIVERY, EVENT, Reserved

log = logging.getLogger(__name__)

# The key of the advisory lock with which one dispatcher at a time counts free slots on PostgreSQL: a number that
# nothing else in this database locks. SQLite has one writer at a time anyway.
LOCK: Final = 7_316_201
POLLS_TOGETHER: Final = 50
# Events wait for so long, so that under load one fan-out writes what many of them need.
FAN_OUT_SECONDS: Final = 1.0
STEP_OF: Final = {POLL: states.POLL, FETCH: states.FETCH, SUBMIT: states.SUBMIT}


@dataclass(frozen=True)
class Message:
    """A task message to be published. `more_due`: its task runs the dispatcher when it ends."""

    task: str
    queue: str
    args: tuple[Any, ...]
    task_id: str
    more_due: bool = False


def dispatch(publish: Callable[[Sequence[Message]], None], fan_out: Callable[[], int] = lambda: 0) -> int:
    """Reserves what is due and publishes it after the commit. Returns the number of messages.

    `fan_out` is called then, where an event waits for it since FAN_OUT_SECONDS: it writes messages that tell events,
    and these are dispatched as well. When `publish` raises, everything that was reserved is due again at once.
    """
    number, event_since = _dispatch_due(publish)
    if event_since is not None and event_since <= clock.seconds_from_now(-FAN_OUT_SECONDS) and fan_out():
        number += _dispatch_due(publish)[0]
    return number


def _dispatch_due(publish: Callable[[Sequence[Message]], None]) -> tuple[int, datetime | None]:
    """Returns the number of messages, and when the oldest event happened that waits for its fan-out."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            oldest = leases.oldest_due_by_step(LOCK)
            event_since = oldest.pop(EVENT, None)
            messages, reserved = _reserve(oldest)
    else:
        # Outside the transaction, which would lock the database also where nothing is due.
        oldest = leases.oldest_due_by_step()
        event_since = oldest.pop(EVENT, None)
        messages, reserved = _reserve(oldest)
    if not messages:
        return 0, event_since
    try:
        publish(messages)
    except Exception:
        _release(messages, reserved)
        raise
    return len(messages), event_since


def _reserve(oldest: dict[str, datetime]) -> tuple[list[Message], list[Reserved]]:
    any_delivery = oldest.pop(DELIVERY, None) is not None
    if not oldest and not any_delivery:
        return [], []
    with transaction.atomic(savepoint=False):
        return _reserve_due(oldest, any_delivery)


def _reserve_due(oldest: dict[str, datetime], any_delivery: bool) -> tuple[list[Message], list[Reserved]]:
    batch = _Batch(capacity.read(), oldest)
    free = batch.load.free
    due = [*(queue for queue in STEP_OF if STEP_OF[queue] in oldest), *([DELIVER] if any_delivery else [])]
    # Of which more may be due than there are slots for.
    waiting = list(due)
    # Queues that share slots get equal parts of them; what one of them leaves over goes to the others.
    while due:
        full: list[str] = []
        for number, queue in enumerate(due):
            slots = free.free(queue)
            if slots < 1:
                continue
            part = max(1, slots // (len(due) - number))
            if batch.fill(queue, part) == part:
                full.append(queue)
            else:
                waiting.remove(queue)
        due = [queue for queue in full if free.free(queue)]
    with_room = [queue for queue in waiting if free.free(queue, room=True)]
    others = batch.queues_of_other_teams(with_room)
    for queue in with_room:
        if queue in others and free.free(queue, room=True):
            batch.fill(queue, 1, batch.busy_teams())
    if FETCH in waiting and not free.free(FETCH, room=True):
        _make_downloads_give_way(batch.load)
    insert_many(batch.reservations)
    _mark_more_due(batch, waiting)
    return batch.messages, batch.reserved


@dataclass
class _Batch:
    """What one dispatch has reserved so far."""

    load: capacity.Load
    oldest: Mapping[str, datetime]
    messages: list[Message] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)
    reservations: list[Reservation] = field(default_factory=list)

    def fill(self, queue: str, slots: int, busy_teams: frozenset[int] = frozenset()) -> int:
        """Reserves what is due for a queue, up to so many messages, none of `busy_teams`. Returns how many."""
        carried: dict[str, Counter[tuple[int, int]]] = {}
        slow: set[str] = set()
        messages: list[Message] = []
        if queue == DELIVER:
            # As slow polls, addresses that fail take up to a third of the slots: each may wait for long.
            max_failing = max(1, self.load.free.slots(DELIVER) // 3)
            for delivery in deliveries.reserve(slots, busy_teams, max_failing):
                messages.append(Message("exports.deliver", DELIVER, (delivery.pk,), _task_id()))
                carried[messages[-1].task_id] = Counter([(delivery.team_id, delivery.project_id or 0)])
        else:
            step = STEP_OF[queue]
            limit = slots * (POLLS_TOGETHER if queue == POLL else 1)
            left_out = self._left_out(queue, busy_teams)
            exports = leases.reserve([step], limit, self.oldest[step], self.load.running, left_out)
            groups, without_slot = _groups(queue, exports, slots, self._slow_slots())
            leases.release_reserved(without_slot)
            for group in groups:
                messages.append(_message(queue, group))
                carried[messages[-1].task_id] = Counter((export.team_id, export.project_id) for export in group)
                if queue == POLL and group[0].polls_alone:
                    slow.add(messages[-1].task_id)
            self.reserved += exports
        self.messages += messages
        self.reservations += [
            _reservation(message, carried[message.task_id], slow=message.task_id in slow) for message in messages
        ]
        self.load.free.take(queue, len(messages))
        return len(messages)

    def busy_teams(self) -> frozenset[int]:
        """The teams that have something under way. Downloads do not count: the slow ones give way to others."""
        running = {team for message in self.load.messages if message.queue != FETCH for team in message.teams}
        reserved = {team for row in self.reservations if row.queue != FETCH for team, _project, _number in row.exports}
        return frozenset(running | reserved)

    def queues_of_other_teams(self, queues: Sequence[str]) -> set[str]:
        """Those of the queues for which more may be due of teams with nothing under way."""
        steps = [STEP_OF[queue] for queue in queues if queue in STEP_OF]
        found = fairness.steps_of_other_teams(steps, self.busy_teams(), clock.now())
        return {queue for queue in queues if queue == DELIVER or STEP_OF[queue] in found}

    def _slow_polls(self) -> list[set[int]]:
        """The teams of each message of slow polls that is under way."""
        rows = [row for row in self.reservations if row.queue == POLL and row.slow_since is not None]
        slow = [message.teams for message in self.load.messages if message.queue == POLL and message.slow]
        return [*slow, *({team for team, _project, _number in row.exports} for row in rows)]

    def _slow_slots(self) -> int:
        """How many more messages of slow polls there may be: they take up to a third of the slots."""
        return max(1, self.load.free.slots(POLL) // 3) - len(self._slow_polls())

    def _left_out(self, queue: str, busy_teams: frozenset[int]) -> fairness.LeftOut:
        """Slow polls of a team take one slot at a time, and none takes the room of others."""
        if queue != POLL:
            return fairness.LeftOut(busy_teams)
        slow = frozenset[int]().union(*self._slow_polls())
        return fairness.LeftOut(busy_teams, slow, bool(busy_teams) or self._slow_slots() < 1)


def _make_downloads_give_way(load: capacity.Load) -> None:
    """Has slow downloads give way to exports that wait for a slot, where there are such downloads."""
    downloads = [message for message in load.messages if message.queue == FETCH]
    if any(download.slow and not download.gives_way for download in downloads):
        waiting = fairness.count_due_by_team(states.FETCH, clock.now())
        chosen = preemption.choose_to_give_way(downloads, waiting)
        Reservation.objects.filter(task_id__in=chosen).update(gives_way=True)


def _groups(
    queue: str, exports: Sequence[Reserved], slots: int, slow_slots: int
) -> tuple[list[list[Reserved]], list[Reserved]]:
    """The exports that go into one message each, and those for which there is no slot.

    Of polls many go together, but slow ones only with slow ones of the same team, up to `slow_slots` messages.
    """
    if queue == POLL:
        together: dict[int, list[Reserved]] = {}
        for export in exports:
            together.setdefault(export.team_id if export.polls_alone else 0, []).append(export)
        quick = together.pop(0, [])
        groups = [group[:POLLS_TOGETHER] for group in together.values()][: max(0, slow_slots)]
        groups += [quick[at : at + POLLS_TOGETHER] for at in range(0, len(quick), POLLS_TOGETHER)]
    else:
        groups = [[export] for export in exports]
    chosen = {export.export_id for group in groups[:slots] for export in group}
    return groups[:slots], [export for export in exports if export.export_id not in chosen]


def _message(queue: str, exports: Sequence[Reserved]) -> Message:
    pairs = [(export.export_id, export.fence) for export in exports]
    if queue == POLL:
        return Message("exports.poll", queue, (pairs,), _task_id())
    return Message("exports.submit" if queue == SUBMIT else "exports.fetch", queue, pairs[0], _task_id())


def _mark_more_due(batch: _Batch, waiting: Sequence[str]) -> None:
    """Where more may be due than there are slots, one of the messages runs the dispatcher when its task ends.

    One of the last, so that it finds several slots free, and no download, which may take hours. One of all queues, or
    nearly every task would run a dispatch for the one slot that it has freed.
    """
    at = [number for number, message in enumerate(batch.messages) if message.queue in waiting]
    at = [number for number in at if batch.messages[number].queue != FETCH] or at
    if at:
        marked = at[(len(at) - 1) * 3 // 4]
        batch.messages[marked] = replace(batch.messages[marked], more_due=True)


def _reservation(message: Message, carried: Mapping[tuple[int, int], int], *, slow: bool) -> Reservation:
    """The row that counts as one slot of the queue until the task has ended.

    `carried`: how many exports it carries, by team id and project id.
    """
    return Reservation(
        task_id=message.task_id,
        queue=message.queue,
        until=clock.seconds_from_now(leases.LEASE_SECONDS),
        exports=[[team, project, number] for (team, project), number in carried.items()],
        slow_since=clock.now() if slow else None,
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


def mark_slow(task_id: str, *, slow: bool) -> None:
    """Notes that the download of a running task has become slow, or is slow no more."""
    rows = Reservation.objects.filter(task_id=task_id)
    rows.update(slow_since=clock.now() if slow else None, gives_way=False)


def giving_way(task_ids: Sequence[str]) -> list[str]:
    """Those of the tasks whose downloads are to give way to others."""
    return list(Reservation.objects.filter(task_id__in=task_ids, gives_way=True).values_list("task_id", flat=True))


def sweep() -> None:
    """Deletes the rows of messages that were lost or whose process died."""
    Reservation.objects.filter(until__lt=clock.now() - timedelta(seconds=60)).delete()
