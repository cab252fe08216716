"""What the kernel does for us so that no process outlives its parent. Linux only; elsewhere these do nothing."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _prctl(option: int, value: int) -> None:
    if _libc is not None and _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent, whose process id is given, has died, even by kill -9.

    Killed and not asked: everything here is made to survive that, and whoever starts the portal again must find the
    port and the data directory free.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent died before the kernel knew.
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent died, so that they can be waited for."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
