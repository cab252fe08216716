"""How many more messages each queue may have: the slots of live nodes, less what is reserved.

A node of several queues shares its slots between them. Downloads, which may take hours, get at most half of them, and
one slot is left for `portal.control`, without which nothing more would be dispatched. The last slots, an eighth of
them, are room for teams that have nothing under way: one team's slow work, however much of it there is, leaves it free.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from exports import clock
from exports.queue import preemption
from exports.queue.fairness import Running
from exports.queue.preemption import RunningMessage

SUBMIT: Final = f"{settings.TASK_QUEUE_PREFIX}.submit"
POLL: Final = f"{settings.TASK_QUEUE_PREFIX}.poll"
FETCH: Final = f"{settings.TASK_QUEUE_PREFIX}.fetch"
DELIVER: Final = f"{settings.TASK_QUEUE_PREFIX}.deliver"
CONTROL: Final = f"{settings.TASK_QUEUE_PREFIX}.control"
QUEUES: Final = (SUBMIT, POLL, FETCH, DELIVER, CONTROL)
# A node whose heartbeat row is older than this gets no messages. Nodes write it every five seconds.
SILENT: Final = timedelta(seconds=15)


# With fewer slots there is no room to be left.
MIN_SLOTS_WITH_ROOM: Final = 4

# One statement, because every dispatch begins with it: nodes without a queue, reservations with theirs.
READ_SQL: Final = """
    SELECT NULL, slots, CAST(queues AS text), NULL, FALSE, FALSE, FALSE
        FROM exports_heartbeat WHERE slots > 0 AND at > %s
    UNION ALL SELECT queue, 1, CAST(exports AS text), task_id, slow_since IS NOT NULL,
        slow_since IS NOT NULL AND slow_since <= %s, gives_way FROM exports_reservation WHERE until > %s
"""


@dataclass
class _Group:
    """The nodes that consume the same queues."""

    queues: frozenset[str]
    slots: int = 0
    max_fetches: int = 0
    used: Counter[str] = field(default_factory=Counter)

    def add(self, slots: int) -> None:
        alone = len(self.queues) == 1
        usable = slots - 1 if CONTROL in self.queues and not alone and slots > 1 else slots
        self.slots += usable
        self.max_fetches += usable if alone else max(1, slots // 2)

    def free(self, queue: str, room: bool) -> int:
        left = self.slots - self.used.total() - (0 if room else self.room())
        return min(left, self.max_fetches - self.used[FETCH]) if queue == FETCH else left

    def room(self) -> int:
        """The slots that are left for teams with nothing under way. Of downloads the slow ones give way instead."""
        if self.slots < MIN_SLOTS_WITH_ROOM or self.queues == {FETCH}:
            return 0
        return max(1, self.slots // 8)


class Capacity:
    """Free slots by queue. `nodes`: the queues and slots of each; `reserved`: messages by queue."""

    def __init__(self, nodes: Iterable[tuple[Iterable[str], int]], reserved: Mapping[str, int]) -> None:
        groups: dict[frozenset[str], _Group] = {}
        for queues, slots in nodes:
            names = frozenset(queues)
            groups.setdefault(names, _Group(names)).add(slots)
        # Nodes with fewer queues are filled first, since the others can take other messages too.
        self._groups = sorted(groups.values(), key=lambda group: (len(group.queues), sorted(group.queues)))
        for queue, number in reserved.items():
            self.take(queue, number)

    def free(self, queue: str, *, room: bool = False) -> int:
        """How many more messages the queue may have; 0 where no node consumes it.

        `room`: of teams that have nothing under way.
        """
        return sum(max(0, group.free(queue, room)) for group in self._groups if queue in group.queues)

    def slots(self, queue: str) -> int:
        """How many slots the nodes have that consume the queue."""
        return sum(group.slots for group in self._groups if queue in group.queues)

    def take(self, queue: str, number: int) -> None:
        """Counts `number` messages of the queue as reserved."""
        for group in self._groups:
            if queue in group.queues:
                part = min(number, max(0, group.free(queue, room=True)))
                group.used[queue] += part
                number -= part


@dataclass(frozen=True)
class Load:
    """The free slots, and the messages that take the others."""

    free: Capacity
    messages: list[RunningMessage]

    @property
    def running(self) -> list[Running]:
        """How many exports each team and project has reserved or running."""
        return [running for message in self.messages for running in message.exports]


def read() -> Load:
    """The capacity now, and what takes it."""
    now = connection.ops.adapt_datetimefield_value(clock.now())
    silent_since = connection.ops.adapt_datetimefield_value(clock.now() - SILENT)
    slice_began = connection.ops.adapt_datetimefield_value(clock.now() - preemption.TIME_SLICE)
    nodes: list[tuple[list[str], int]] = []
    messages: list[RunningMessage] = []
    with connection.cursor() as cursor:
        cursor.execute(READ_SQL, [silent_since, slice_began, now])
        for queue, slots, content, task_id, slow, slice_over, gives_way in cursor.fetchall():
            if queue is None:
                nodes.append((json.loads(content), slots))
            else:
                exports = tuple((team, project, number) for team, project, number in json.loads(content))
                messages.append(RunningMessage(task_id, queue, exports, bool(slow), bool(slice_over), bool(gives_way)))
    return Load(Capacity(nodes, Counter(message.queue for message in messages)), messages)
