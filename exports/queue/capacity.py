"""How many more messages each queue may have: the slots of live nodes, less what is reserved.

A node of several queues shares its slots between them. Downloads, which may take hours, get at most half of them, and
one slot is left for `portal.control`, without which nothing more would be dispatched.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from django.conf import settings

from exports import clock
from exports.models import Heartbeat, Reservation

SUBMIT: Final = f"{settings.TASK_QUEUE_PREFIX}.submit"
POLL: Final = f"{settings.TASK_QUEUE_PREFIX}.poll"
FETCH: Final = f"{settings.TASK_QUEUE_PREFIX}.fetch"
DELIVER: Final = f"{settings.TASK_QUEUE_PREFIX}.deliver"
CONTROL: Final = f"{settings.TASK_QUEUE_PREFIX}.control"
QUEUES: Final = (SUBMIT, POLL, FETCH, DELIVER, CONTROL)
# A node whose heartbeat row is older than this gets no messages. Nodes write it every five seconds.
SILENT: Final = timedelta(seconds=15)


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


def read() -> tuple[Capacity, list[Reservation]]:
    """The capacity now, and the reservations that it counts."""
    now = clock.now()
    nodes = Heartbeat.objects.filter(slots__gt=0, at__gt=now - SILENT).values_list("queues", "slots")
    reserved = list(Reservation.objects.filter(until__gt=now))
    return Capacity(nodes, Counter(row.queue for row in reserved)), reserved
