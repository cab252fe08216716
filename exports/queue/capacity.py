"""How many more messages each queue may have: the slots of live nodes, less what is reserved.

A node of several queues shares its slots between them. Downloads, which may take hours, get at most half of them, and
one slot is left for `portal.control`, without which nothing more would be dispatched.
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
from exports.queue import fairness

SUBMIT: Final = f"{settings.TASK_QUEUE_PREFIX}.submit"
POLL: Final = f"{settings.TASK_QUEUE_PREFIX}.poll"
FETCH: Final = f"{settings.TASK_QUEUE_PREFIX}.fetch"
DELIVER: Final = f"{settings.TASK_QUEUE_PREFIX}.deliver"
CONTROL: Final = f"{settings.TASK_QUEUE_PREFIX}.control"
QUEUES: Final = (SUBMIT, POLL, FETCH, DELIVER, CONTROL)
# A node whose heartbeat row is older than this gets no messages. Nodes write it every five seconds.
SILENT: Final = timedelta(seconds=15)


# One statement, because every dispatch begins with it: nodes without a queue, reservations with theirs.
READ_SQL: Final = """
    SELECT NULL, slots, CAST(queues AS text) FROM exports_heartbeat WHERE slots > 0 AND at > %s
    UNION ALL SELECT queue, 1, CAST(exports AS text) FROM exports_reservation WHERE until > %s
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

    def free(self, queue: str) -> int:
        left = self.slots - self.used.total()
        return min(left, self.max_fetches - self.used[FETCH]) if queue == FETCH else left


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

    def free(self, queue: str) -> int:
        """How many more messages the queue may have; 0 where no node consumes it."""
        return sum(max(0, group.free(queue)) for group in self._groups if queue in group.queues)

    def take(self, queue: str, number: int) -> None:
        """Counts `number` messages of the queue as reserved."""
        for group in self._groups:
            if queue in group.queues:
                part = min(number, max(0, group.free(queue)))
                group.used[queue] += part
                number -= part


def read() -> tuple[Capacity, list[fairness.Running]]:
    """The capacity now, and how many exports each team and project has reserved or running."""
    now = connection.ops.adapt_datetimefield_value(clock.now())
    silent_since = connection.ops.adapt_datetimefield_value(clock.now() - SILENT)
    nodes: list[tuple[list[str], int]] = []
    reserved: Counter[str] = Counter()
    running: list[fairness.Running] = []
    with connection.cursor() as cursor:
        cursor.execute(READ_SQL, [silent_since, now])
        for queue, slots, content in cursor.fetchall():
            if queue is None:
                nodes.append((json.loads(content), slots))
            else:
                reserved[queue] += 1
                running += [(team, project, number) for team, project, number in json.loads(content)]
    return Capacity(nodes, reserved), running
