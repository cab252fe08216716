"""One process that the supervisor runs, with everything that process starts."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from exports.supervisor.prctl import die_with_parent

# Pauses before a restart, in seconds: doubled from the first to the last, from the first again after a calm time.
MIN_RESTART_PAUSE = 0.2
MAX_RESTART_PAUSE = 5.0
STABLE_SECONDS = 10.0


@dataclass
class ChildProcess:
    """A command to run, and its process while it runs.

    name: what its lines are prefixed with. argv: program and arguments. env: its whole environment.
    pass_fds: file descriptors it inherits.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_pause: float = field(default=0.0, init=False)

    def start(self, now: float) -> int:
        """Start the process in a session of its own; returns the file descriptor to read its output from.

        A session of its own, so that Ctrl-C in the terminal reaches the supervisor only, and so that everything the
        process starts can be ended with it. OSError when it cannot be started.
        """
        supervisor = os.getpid()
        ours, theirs = os.pipe()
        try:
            # One thread only, so nothing can be held locked between fork and exec.
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
        """Send SIGTERM to the process; it ends what it started itself."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and all it started. Only while it is not reaped: its id could be another's afterwards."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Forget the ended process; returns its exit code, or the number of the signal that ended it, negative."""
        if self.process is None:
            raise ValueError(f"{self.name} does not run")
        code = self.process.wait()
        self.process = None
        return code

    def next_restart_pause(self, now: float) -> float:
        """Seconds until the next start of a process that has just ended: the longer, the oftener it ends."""
        calm = now - self.started_at >= STABLE_SECONDS
        self.restart_pause = (
            MIN_RESTART_PAUSE if calm or not self.restart_pause else min(self.restart_pause * 2, MAX_RESTART_PAUSE)
        )
        return self.restart_pause


def process_group_exists(group: int) -> bool:
    """Whether any process of the group is still there."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's by now.
        return False
    return True
