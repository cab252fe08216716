"""The processes of the portal, and the command of each."""

import hashlib
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from exports.supervisor.child import ChildProcess

# Seconds that a running request has to end when the portal stops.
WEB_GRACE_SECONDS = 5


@dataclass(frozen=True)
class ProcessPlan:
    """The commands of one portal.

    base: the folder of manage.py. data: the data directory. url: the portal's address, as `up` prints it.
    listening: the socket of the web process. sandbox_listening: that of the stand-in providers on 127.0.0.1, None
    without them. pool, concurrency: the worker's `-P` and `-c`.
    """

    base: Path
    data: Path
    url: str
    listening: socket.socket
    sandbox_listening: socket.socket | None = None
    pool: str = "threads"
    concurrency: int = 8

    @property
    def sandbox_port(self) -> int | None:
        """The port of the stand-in providers, None without them."""
        return int(self.sandbox_listening.getsockname()[1]) if self.sandbox_listening else None

    def manage_command(self, name: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> ChildProcess:
        """A command of manage.py; `name` is its prefix in the log."""
        return ChildProcess(name, [sys.executable, str(self.base / "manage.py"), *arguments], self._env(), pass_fds)

    def prepare(self) -> ChildProcess:
        """The command that brings database and static files up to date; run it to its end before anything else."""
        return self.manage_command("setup", "up", "--prepare")

    def demo(self) -> ChildProcess:
        """The command that creates the demo team and prints its sign-in; run it to its end."""
        return self.manage_command("demo", "demo", "--sandbox-port", str(self.sandbox_port))

    def children(self) -> list[ChildProcess]:
        """The processes that run as long as the portal runs."""
        return [self._web(), self._worker(), self._beat(), *self._stand_ins()]

    def _stand_ins(self) -> list[ChildProcess]:
        if self.sandbox_listening is None:
            return []
        # They keep their jobs, so that an export that was open at the last stop is still known at the next start.
        kept = str(self.data / "stand-ins.json")
        descriptor = self.sandbox_listening.fileno()
        arguments = ("--port", str(self.sandbox_port), "--fd", str(descriptor), "--state-file", kept)
        # As a module of its own, without Django: a fifth of the memory of `manage.py sandbox`.
        return [self._module("sandbox", "-m", "exports.sandbox", *arguments, pass_fds=(descriptor,))]

    def _env(self) -> dict[str, str]:
        env = {**os.environ, "DATA_DIR": str(self.data), "PYTHONUNBUFFERED": "1"}
        # What links are made of where no PUBLIC_URL is set.
        env["LISTENING_URL"] = self.url
        env.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        # Worker and beat serve no pages, and Django's checks would load them.
        env["CELERY_SKIP_CHECKS"] = "1"
        # So that `python -m` finds the project from wherever the portal was started.
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(self.base), env.get("PYTHONPATH", "")]))
        if self.sandbox_port is not None:
            hosts = [env.get("PRIVATE_HOSTS", ""), f"127.0.0.1:{self.sandbox_port}"]
            env["PRIVATE_HOSTS"] = ",".join(filter(None, hosts))
        return env

    def _module(self, name: str, *arguments: str, pass_fds: tuple[int, ...] = ()) -> ChildProcess:
        return ChildProcess(name, [sys.executable, *arguments], self._env(), pass_fds)

    def _web(self) -> ChildProcess:
        descriptor = self.listening.fileno()
        options = {
            "config": "python:exports.supervisor.gunicorn_config",
            "bind": f"fd://{descriptor}",
            "worker-class": "exports.supervisor.web_worker.WebWorker",
            "workers": "1",
            "threads": "8",
            "graceful-timeout": str(WEB_GRACE_SECONDS),
            "log-level": "warning",
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        return self._module(
            "web", "-m", "gunicorn", "portal.wsgi", "--no-control-socket", *arguments, pass_fds=(descriptor,)
        )

    def _worker(self) -> ChildProcess:
        # The same name at every start, and another one for every portal on the same broker.
        node = hashlib.sha256(str(self.data).encode()).hexdigest()[:8]
        return self._module(
            "worker",
            *("-W", "ignore:You're running the worker with superuser"),
            *("-m", "celery", "-A", "portal", "--quiet", "worker", "-n", f"portal-{node}@%h", "-P", self.pool),
            *("-c", str(self.concurrency), "--without-gossip", "--without-mingle", "--without-heartbeat"),
        )

    def _beat(self) -> ChildProcess:
        return self._module("beat", "-m", "celery", "-A", "portal", "--quiet", "beat", "--pidfile=")
