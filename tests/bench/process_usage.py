"""What processes use: processor seconds and memory, read from /proc."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

TICK: Final = os.sysconf("SC_CLK_TCK")


def session_processes(session: int) -> list[int]:
    """The processes of a session: what was started with start_new_session=True, and all that it started."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            fields = _stat(int(path.name))
            if fields and int(fields[3]) == session:
                found.append(int(path.name))
    return found


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


def megabytes(session: int) -> float:
    """PSS of a session's processes: memory shared with others counts in part."""
    return sum(kilobytes(pid, "Pss") for pid in session_processes(session)) / 1024


def forget_peak(pid: int) -> None:
    """VmHWM begins anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


@dataclass
class Meter:
    """Processor seconds of processes that come and go, looked at twice a second."""

    pids: Callable[[], Iterable[int]]
    first: dict[int, float] = field(default_factory=dict)
    last: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """Notes what each has used by now; one that is new counts from its start."""
        starting = not self.last
        for pid in self.pids():
            used = seconds(pid)
            self.first.setdefault(pid, used if starting else 0.0)
            self.last[pid] = max(used, self.last.get(pid, 0.0))

    @property
    def used(self) -> float:
        """Processor seconds since the first look."""
        return sum(self.last[pid] - self.first[pid] for pid in self.last)


@contextmanager
def metering(*meters: Meter) -> Iterator[None]:
    """Looks on while the block runs."""
    over = threading.Event()

    def look_on() -> None:
        while not over.wait(0.5):
            for meter in meters:
                meter.look()

    for meter in meters:
        meter.look()
    thread = threading.Thread(target=look_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        for meter in meters:
            meter.look()
