"""Gunicorn's settings that cannot be said on the command line."""

import os
from typing import Any

from exports.supervise.kernel import die_with

_arbiter = os.getpid()


def post_fork(server: Any, worker: Any) -> None:
    """A web worker ends with the process that started it, whatever ended that one."""
    die_with(_arbiter)
