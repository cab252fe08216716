"""Starts processes, restarts those that end, and stops all of them together."""

import os
import signal
from collections.abc import Callable, Sequence
from time import monotonic

from exports.supervisor import prctl
from exports.supervisor.child import ChildProcess, process_group_exists
from exports.supervisor.loop import EventLoop
from exports.supervisor.output import LineReader, PrefixedLog

# Seconds that the processes have to stop by themselves before they are killed.
STOP_GRACE_SECONDS = 8.0
# Seconds that the last output of ended processes is waited for.
OUTPUT_DRAIN_SECONDS = 1.0
# Seconds that a restart waits at most for the descendants of the ended process to be gone.
DESCENDANTS_WAIT_SECONDS = 5.0
# A process that ends by itself so often before the portal was ready cannot be started.
MAX_FAILED_STARTS = 5


class Supervisor:
    """Runs children until it gets SIGINT, SIGTERM or SIGHUP; a second signal kills them at once."""

    def __init__(self, log: PrefixedLog, grace: float = STOP_GRACE_SECONDS) -> None:
        self.log = log
        self.stopping = False
        self.exit_code = 0
        self._starting = False
        self._failed_starts: dict[str, int] = {}
        self._grace = grace
        self._running: dict[int, ChildProcess] = {}
        self._restarted: set[str] = set()
        self._reading: dict[int, str] = {}
        self._ended: dict[str, int] = {}
        stops = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup means: stay
            stops.append(signal.SIGHUP)
        prctl.adopt_orphans()
        self.loop = EventLoop([*stops, signal.SIGCHLD])

    # For the caller.

    def run_to_end(self, child: ChildProcess, keep: Callable[[str], None] | None = None) -> int:
        """Runs the child to its end; its exit code. Its lines go to `keep`, by default to the log."""
        self._start(child, keep)
        while child.name not in self._ended or child.name in self._reading.values():
            self._iterate()
        return self._ended.pop(child.name)

    def run(self, children: Sequence[ChildProcess], *, starting: bool = False) -> None:
        """Runs the children and restarts each one that ends, until a stop signal; then stops them all.

        With `starting`, until `set_ready` is called, a child that ends by itself again and again ends the run too, and
        `exit_code` is then 1: a portal that cannot start must not look like one that is starting.
        """
        self._starting = starting
        self._restarted = {child.name for child in children}
        for child in children:
            self._start(child)
        while not self.stopping or self._running:
            self._iterate()
        deadline = monotonic() + OUTPUT_DRAIN_SECONDS
        self.loop.call_later(OUTPUT_DRAIN_SECONDS, lambda: None)
        while self._reading and monotonic() < deadline:
            self._iterate()

    def set_ready(self) -> None:
        """Notes that everything serves: from now on whatever ends is started again."""
        self._starting = False

    def close(self) -> None:
        """Kills what still runs, also after an error of the supervisor itself, and restores the signal handlers."""
        for child in self._running.values():
            child.kill()
            child.reap()
        self._running.clear()
        self.loop.close()

    # Events.

    def _iterate(self) -> None:
        for number in self.loop.run_once():
            if number != signal.SIGCHLD:
                self._stop(number)
        self._reap_ended()

    def _start(self, child: ChildProcess, keep: Callable[[str], None] | None = None) -> None:
        if self.stopping:
            self._ended[child.name] = -signal.SIGTERM
            return
        try:
            descriptor = child.start(monotonic())
        except OSError as problem:
            # The system has no process or file descriptor left for the moment.
            self.log.write(child.name, f"cannot be started: {problem.strerror}")
            self._restart_later(child, 127, group=None)
            return
        if child.process is not None:
            self._running[child.process.pid] = child
        self._read_output(descriptor, child.name, keep or (lambda line: self.log.write(child.name, line)))

    def _read_output(self, descriptor: int, name: str, each: Callable[[str], None]) -> None:
        lines = LineReader(descriptor, each)
        self._reading[descriptor] = name

        def read() -> None:
            if not lines.read():
                del self._reading[descriptor]
                self.loop.remove_reader(descriptor)

        self.loop.add_reader(descriptor, read)

    def _reap_ended(self) -> None:
        """Handles every process that has ended, started here or adopted."""
        while True:
            try:
                # Without reaping it: until then its id, by which its group is killed, is not given to another process.
                status = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if status is None:
                return
            child = self._running.pop(status.si_pid, None)
            if child is None:
                os.waitpid(status.si_pid, 0)
                continue
            child.kill()
            self._restart_later(child, child.reap(), group=status.si_pid)

    def _restart_later(self, child: ChildProcess, code: int, group: int | None) -> None:
        if self.stopping or child.name not in self._restarted:
            self._ended[child.name] = code
            return
        pause = child.next_restart_pause(monotonic())
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        if self._cannot_start(child, code):
            self.log.write(child.name, how)
            self._give_up(f"The portal cannot start: {child.name} {how} again and again; its lines above say why.")
            self._ended[child.name] = code
            return
        self.log.write(child.name, f"{how}; starting again in {pause:g} s")
        self.loop.call_later(pause, lambda: self._restart(child, group, monotonic() + DESCENDANTS_WAIT_SECONDS))

    def _restart(self, child: ChildProcess, group: int | None, until: float) -> None:
        if group is not None and process_group_exists(group) and monotonic() < until:
            self.loop.call_later(0.1, lambda: self._restart(child, group, until))
        elif not self.stopping:
            self._start(child)

    def _cannot_start(self, child: ChildProcess, code: int) -> bool:
        """Whether this end of a child shows that the portal cannot start."""
        if not self._starting or code <= 0:
            return False
        self._failed_starts[child.name] = self._failed_starts.get(child.name, 0) + 1
        return self._failed_starts[child.name] >= MAX_FAILED_STARTS

    def _give_up(self, sentence: str) -> None:
        self.log.write("", sentence)
        self.exit_code = 1
        self._terminate_all()

    def _stop(self, number: int) -> None:
        if self.stopping:
            self.log.write("", "Killing what still runs.")
            self._kill_all()
            return
        self.log.write("", f"Stopping ({signal.Signals(number).name}); once more kills at once.")
        self._terminate_all()

    def _terminate_all(self) -> None:
        self.stopping = True
        for child in self._running.values():
            child.terminate()
        self.loop.call_later(self._grace, self._kill_all)

    def _kill_all(self) -> None:
        for child in self._running.values():
            child.kill()
