"""Starts `python -m …` quickly: in a fork of a process that has loaded the libraries, Python's own fork server.

Two thirds of what a portal's process computes at its start is loading Django, Celery and the like. Settings and the
portal's own modules it still loads itself; environment, process group and output are its own, as with a new
interpreter.
`manage.py up` starts interpreters (tests/management/test_up_starts_and_stops_the_portal.py).
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

# What can be loaded without settings.
LIBRARIES: Final = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.worker.consumer",
    "celery.worker.state",
    "cryptography.fernet",
    "cryptography.x509",
    "django.core.handlers.wsgi",
    "django.core.mail",
    "django.core.management",
    "django.db.models",
    "django.forms",
    "django.middleware.csrf",
    "django.template.loader",
    "django.test.signals",
    "django.urls",
    "fido2.server",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "psycopg",
    "psycopg.rows",
    "pydantic.types",
    "requests",
    "yaml",
)
CONTEXT: Final = multiprocessing.get_context("forkserver")


class ForkedProcess:
    """What tests use of `subprocess.Popen`."""

    def __init__(self, module: str, *arguments: str, cwd: Path, env: Mapping[str, str], log: Path) -> None:
        CONTEXT.set_forkserver_preload(list(LIBRARIES))
        self.args = (module, *arguments)
        log.touch()  # It is there from the start, as a file that this process opens.
        self._process = CONTEXT.Process(target=_run, args=(self.args, str(cwd), dict(env), str(log)), daemon=True)
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        """The exit code, the negative number of the signal that ended it, or None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As `returncode`."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code once it has ended. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends the signal to the process, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9 of the process alone."""
        self.send_signal(signal.SIGKILL)


def _run(arguments: tuple[str, ...], cwd: str, environment: dict[str, str], log: str) -> None:
    """In the new process: what the kernel and a new interpreter would do, then the module."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [cwd, *(place for place in sys.path if place not in ("", cwd))]
    sys.argv = list(arguments)
    try:
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
