"""One process that the supervisor runs, with everything that process starts."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exports.supervisor.prctl import die_with_parent

# Seconds before a restart: the pause doubles from the minimum to the maximum, and is the minimum again once the process
# has run for STABLE_SECONDS.
MIN_RESTART_PAUSE = 0.2
MAX_RESTART_PAUSE = 5.0
STABLE_SECONDS = 10.0


@dataclass
class ChildProcess:
    """A command to run, and its process while it runs.

    name: the prefix of its lines in the log. argv: program and arguments. env: its whole environment.
    pass_fds: the file descriptors that it inherits.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_pause: float = field(default=0.0, init=False)

    def start(self, now: float) -> int:
        """Starts the process in a session of its own; returns the file descriptor to read its output from.

        The session keeps Ctrl-C in the terminal from the process, and everything the process starts can be killed
        with it. OSError when it cannot be started.
        """
        supervisor = os.getpid()
        ours, theirs = os.pipe()
        try:
            # The supervisor has one thread, so no lock can be held between fork and exec.
            self.process = subprocess.Popen(
                self.argv,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=theirs,
                stderr=theirs,
                pass_fds=self.pass_fds,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(supervisor),
            )
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self.started_at = now
        return ours

    def terminate(self) -> None:
        """Sends SIGTERM to the process alone, which ends its own children."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kills the process and all it started. Only before `reap`: afterwards another process may have its id."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Waits for the process; its exit code, or the negative number of the signal that ended it.

        ValueError when it does not run.
        """
        if self.process is None:
            raise ValueError(f"{self.name} does not run")
        code = self.process.wait()
        self.process = None
        return code

    def next_restart_pause(self, now: float) -> float:
        """Seconds until the next start of a process that has just ended; it grows while the process keeps ending."""
        stable = now - self.started_at >= STABLE_SECONDS
        self.restart_pause = (
            MIN_RESTART_PAUSE if stable or not self.restart_pause else min(self.restart_pause * 2, MAX_RESTART_PAUSE)
        )
        return self.restart_pause


def process_group_exists(group: int) -> bool:
    """Whether any process of the group still exists and belongs to this user."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # The id has been given to a process of another user.
        return False
    return True
