"""Preemption: which slow download gives its slot to another export that waits for one, and how fast is slow.

A download that is given up resumes by Range from the bytes on the disk, so downloads of slow hosts take turns. The
lease keeper of each process says which of its downloads are slow; the dispatcher decides; the lease keeper parks the
download. A slow download that nobody waits behind goes on.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from exports.queue.fairness import Running

# A download below this average speed is slow: it gives way while others wait.
DEMANDED_BYTES_PER_SECOND: Final = 128 * 1024
# The speed is known after the first of these, and is the average over at most the second.
MIN_MEASURED_SECONDS: Final = 2.0
MEASURED_SECONDS: Final = 5.0
# How long a slow download may go on while another one waits that has no better right to the slot.
TIME_SLICE: Final = timedelta(seconds=15)


@dataclass(frozen=True)
class RunningMessage:
    """A message that takes a slot. `slow`, `slice_over`: its download is slow, and has been for a TIME_SLICE."""

    task_id: str
    queue: str
    exports: tuple[Running, ...] = ()
    slow: bool = False
    slice_over: bool = False
    gives_way: bool = False

    @property
    def teams(self) -> set[int]:
        """The ids of the teams whose exports it carries."""
        return {team for team, _project, _number in self.exports}


@dataclass
class SpeedMeter:
    """The average speed of one download over the last seconds. `reported`: what the dispatcher knows of `slow`."""

    since: float = 0.0
    bytes_before: int = 0
    slow: bool = False
    reported: bool = False

    def is_slow(self, now: float, received: int | None) -> bool:
        """Whether the download is slow. `now`: monotonic. `received`: bytes so far, None while no host is asked."""
        if received is None or not self.since:
            self.since, self.bytes_before = (0.0, 0) if received is None else (now, received)
            self.slow = False
        elif (seconds := now - self.since) >= MIN_MEASURED_SECONDS:
            self.slow = received - self.bytes_before < DEMANDED_BYTES_PER_SECOND * seconds
            if seconds >= MEASURED_SECONDS:
                self.since, self.bytes_before = now, received
        return self.slow


def choose_to_give_way(downloads: Iterable[RunningMessage], waiting: Mapping[int, int]) -> list[str]:
    """The task ids of slow downloads that are to give way. `waiting`: how many downloads of each team wait for a slot.

    To a team that has at least two downloads fewer under way, at once; else after its time slice, and to none that has
    more.
    """
    downloads = list(downloads)
    # The slots of those that give way already go to teams that wait; they are counted as if they had come free.
    free = sum(download.gives_way for download in downloads)
    left = [download for download in downloads if not download.gives_way]
    running = Counter(team for download in left for team in download.teams)
    slow = [download for download in left if download.slow]
    waiting = Counter(waiting)
    chosen: list[str] = []
    while waiting.total() and (free or slow):
        team = min(+waiting, key=lambda team: running[team])
        waiting[team] -= 1
        if free:
            free -= 1
            running[team] += 1
            continue
        possible = [download for download in slow if _may_take(team, download, running)]
        if not possible:
            continue
        victim = max(
            possible, key=lambda download: (max(running[team] for team in download.teams), download.slice_over)
        )
        slow.remove(victim)
        chosen.append(victim.task_id)
        running.subtract(victim.teams)
        running[team] += 1
    return chosen


def _may_take(team: int, download: RunningMessage, running: Mapping[int, int]) -> bool:
    """Whether an export of the team may have the slot of this slow download."""
    theirs = max((running[other] for other in download.teams), default=0)
    if team in download.teams:
        return download.slice_over
    return theirs >= running[team] + (1 if download.slice_over else 2)
