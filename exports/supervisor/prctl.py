"""Process options of the Linux kernel, so that no process outlives its parent. On other systems these do nothing."""

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
    """Has the kernel send SIGKILL to this process when its parent, given by process id, has died, even by kill -9.

    SIGKILL and not SIGTERM: every process of the portal survives it without loss, and the next start must find the
    port and the data directory free. OSError when the kernel refuses.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent died before the call above.
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose parent has died, so that it can wait for them."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
