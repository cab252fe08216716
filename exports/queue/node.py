"""The state that a worker node reports: its name, the queues it consumes, its slots, and how many are busy.

With a prefork pool the parent process knows the state but opens no database connection, and its child processes have
connections but do not know the state. So the parent writes it into memory that is shared across the fork, once a
second, and the lease keeper of a child process copies it into the node's heartbeat row.
"""

import json
import mmap
import time
from dataclasses import asdict, dataclass
from typing import Final

SIZE: Final = 4096
_HEAD: Final = 4


@dataclass(frozen=True)
class NodeState:
    """`queues` is empty while the node has no connection to the broker. `stopping`: it takes nothing new.

    `pid` is the process that wrote it: the node's main process.
    """

    name: str = ""
    queues: tuple[str, ...] = ()
    slots: int = 0
    busy: int = 0
    stopping: bool = False
    pid: int = 0


class SharedState:
    """A NodeState in memory that a process shares with the children it forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SIZE)
        # When a process of this node last wrote the heartbeat row, and last ran the dispatcher on a hint, in
        # milliseconds: one of them does it, not all.
        self._beat = mmap.mmap(-1, 8)
        self._dispatch = mmap.mmap(-1, 8)

    def write(self, state: NodeState) -> None:
        """Replaces the state. Only one process of a node writes; a reader may at worst see half of a state, once."""
        data = json.dumps(asdict(state)).encode()[: SIZE - _HEAD]
        self._memory[: _HEAD + len(data)] = len(data).to_bytes(_HEAD, "big") + data

    def read(self) -> NodeState:
        """The state as it was last written; an empty one in a process that belongs to no worker."""
        size = int.from_bytes(self._memory[:_HEAD], "big")
        try:
            values = json.loads(self._memory[_HEAD : _HEAD + size])
        except ValueError:
            return NodeState()
        return NodeState(**{**values, "queues": tuple(values["queues"])})

    def take_beat(self, seconds: float) -> bool:
        """Whether this process must write the heartbeat row now: none of the node has written it for `seconds`."""
        return _take(self._beat, seconds)

    def seconds_until_dispatch(self, seconds: float) -> float:
        """In how many seconds the node's last dispatch will be `seconds` ago; 0 when it is already."""
        last = int.from_bytes(self._dispatch[:8], "big") / 1000
        return min(seconds, max(0.0, last + seconds - time.monotonic()))

    def take_dispatch(self, seconds: float) -> bool:
        """Whether this process may run the dispatcher now: none of the node has taken this turn for `seconds`."""
        return _take(self._dispatch, seconds)


def _take(memory: mmap.mmap, seconds: float) -> bool:
    now = int(time.monotonic() * 1000)
    if now - int.from_bytes(memory[:8], "big") < seconds * 1000:
        return False
    memory[:8] = now.to_bytes(8, "big")
    return True


# Made at import, which is before any fork.
shared: Final = SharedState()
