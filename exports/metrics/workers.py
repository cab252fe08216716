"""Which worker nodes and beats there are, which are gone, and which queues nobody reads."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exports import clock
from exports.models import Heartbeat
from exports.queue.capacity import QUEUES

# Each process writes its heartbeat every five seconds. One that has been silent for so long is gone; the row itself
# is swept after a day.
SILENT: Final = timedelta(seconds=30)
WORKER: Final = "worker"
BEAT: Final = "beat"


@dataclass(frozen=True)
class NodeStatus:
    """One worker node or beat. `queues` is empty for a beat, and for a node that has lost its broker."""

    kind: str
    name: str
    last_seen_at: datetime
    alive: bool
    queues: tuple[str, ...]
    slots: int
    busy: int


@dataclass(frozen=True)
class Workers:
    """All nodes and beats that were seen in the last day, by name."""

    nodes: tuple[NodeStatus, ...]

    @property
    def alive(self) -> list[NodeStatus]:
        """Worker nodes that are there."""
        return [node for node in self.nodes if node.kind == WORKER and node.alive]

    @property
    def gone(self) -> list[NodeStatus]:
        """Nodes and beats that fell silent without having been stopped."""
        return [node for node in self.nodes if not node.alive]

    @property
    def beats(self) -> list[NodeStatus]:
        """Beats that are there."""
        return [node for node in self.nodes if node.kind == BEAT and node.alive]

    @property
    def disconnected(self) -> list[NodeStatus]:
        """Worker nodes that are there and have no connection to the broker."""
        return [node for node in self.alive if not node.queues]

    @property
    def unread_queues(self) -> list[str]:
        """Queues that no node which is there consumes: what is due for them waits."""
        read = {queue for node in self.alive for queue in node.queues}
        return [queue for queue in QUEUES if queue not in read]


def get_workers() -> Workers:
    """Reads the heartbeats, in one query."""
    since = clock.now() - SILENT
    nodes = []
    for row in Heartbeat.objects.order_by("name"):
        kind, _, name = row.name.partition(":")
        nodes.append(NodeStatus(kind, name, row.at, row.at >= since, tuple(row.queues), row.slots, row.busy))
    return Workers(tuple(nodes))
