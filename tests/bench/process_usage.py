"""What processes use: processor seconds and memory, read from /proc."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

TICK: Final = os.sysconf("SC_CLK_TCK")


def session_processes(session: int) -> list[int]:
    """The processes of a session: what was started with start_new_session=True, and all that it started."""
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [pid for pid in pids if (fields := _stat(pid)) and int(fields[3]) == session]


def _stat(pid: int) -> list[str]:
    """The fields after the name: state, parent, group, session, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def seconds(pid: int) -> float:
    """Processor seconds a process used, without its children; 0 when it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICK if fields else 0.0


def session_seconds(sessions: Iterable[int]) -> float:
    """Processor seconds that the processes of these sessions used, and all their children that have ended and been
    waited for, such as processes that a prefork pool replaced. The difference of two readings is what was used between.
    """
    ticks = 0
    for session in sessions:
        for pid in session_processes(session):
            # utime, stime, cutime, cstime
            ticks += sum(map(int, _stat(pid)[11:15]))
    return ticks / TICK


def kilobytes(pid: int, name: str) -> int:
    """A line of its memory: `Pss` of smaps_rollup, else one of status (VmHWM, VmRSS)."""
    path = Path(f"/proc/{pid}/{'smaps_rollup' if name == 'Pss' else 'status'}")
    try:
        for line in path.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def megabytes(sessions: Iterable[int]) -> list[float]:
    """PSS of each of the sessions' processes, in MB: memory shared with others counts in part."""
    return [kilobytes(pid, "Pss") / 1024 for session in sessions for pid in session_processes(session)]


def forget_peak(pid: int) -> None:
    """Has VmHWM, the peak of memory, begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass
class Meter:
    """Processor seconds of processes that come and go and are not children of ours, read twice a second."""

    pids: Callable[[], Iterable[int]]
    first: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)

    def read(self) -> None:
        """Reads what each has used by now; one that is new counts from its start."""
        starting = not self.last
        for pid in self.pids():
            used = seconds(pid)
            self.first.setdefault(pid, used if starting else 0.0)
            self.last[pid] = max(used, self.last.get(pid, 0.0))

    @property
    def used(self) -> float:
        """Processor seconds since the first reading."""
        return sum(self.last[pid] - self.first[pid] for pid in self.last)


class Readable(Protocol):
    """What can be read again and again while something is measured."""

    def read(self) -> None:
        """Reads it once."""


@contextmanager
def metering(*meters: Readable) -> Iterator[None]:
    """Reads them while the block runs."""
    over = threading.Event()

    def read_on() -> None:
        while not over.wait(0.5):
            for meter in meters:
                meter.read()

    for meter in meters:
        meter.read()
    thread = threading.Thread(target=read_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for meter in meters:
            meter.read()
