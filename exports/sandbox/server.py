"""The stand-in as an object: start and stop it, add faults, read its ledger."""

import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from exports.sandbox.control import Control
from exports.sandbox.httpd import HttpServer
from exports.sandbox.options import Settings, parse_limits
from exports.sandbox.provider_base import Service
from exports.sandbox.registry import STAND_INS
from exports.sandbox.state import SandboxState

# Seconds of history that a killed stand-in may lose.
SAVE_EVERY = 0.2


class Sandbox:
    """All stand-ins on one port of this machine, and each in `alone` also on a port of its own.

    Times are in seconds. `port` 0 takes any free one; `listening` is a listening socket to use in its place; `alone`
    maps providers to further ports (0: any free one); `limits` is `published`, `off` or a factor; `stand_ins` are those
    to serve. OSError if a port is taken, ValueError for settings or a state file that cannot be used. Its methods may
    be called from any thread.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        time_scale: float = 1.0,
        limits: str | float = "published",
        limit_window: float = 60.0,
        job_seconds: float = 10.0,
        file_bytes: int | None = None,
        alone: Mapping[str, int] | None = None,
        state_file: Path | str | None = None,
        listening: socket.socket | None = None,
        stand_ins: Sequence[type[Service]] = STAND_INS,
    ) -> None:
        settings = Settings()
        settings.change({"time_scale": time_scale, "window": limit_window, "job_seconds": job_seconds})
        settings.change({"limits": parse_limits(limits), "file_bytes": file_bytes})
        self.state = SandboxState(settings, stand_ins)
        self._control = Control(self.state)
        self._host = host
        self._wanted: dict[str | None, int] = {None: port}
        self._wanted.update(alone or {})
        self._listening = listening
        self._state_file = Path(state_file) if state_file else None
        self._servers: dict[str | None, HttpServer] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def start(self) -> Self:
        """Listens in threads of its own; returns when requests are answered. OSError, ValueError: see the class."""
        if self._state_file:
            self.state.load(self._state_file)
        try:
            for slug, port in self._wanted.items():
                inherited = self._listening if slug is None else None
                self._servers[slug] = HttpServer((self._host, port), self.state, slug, inherited)
        except OSError:
            for server in self._servers.values():
                server.server_close()
            raise
        runs = [(server.serve_forever, (0.05,)) for server in self._servers.values()]
        for target, arguments in runs:
            self._threads.append(threading.Thread(target=target, args=arguments, name="stand-in", daemon=True))
        if self._state_file:
            self._threads.append(threading.Thread(target=self._keep_state, name="stand-in state", daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Stops at once: connections are closed, slow answers are not waited for."""
        self._stopped.set()
        for server in self._servers.values():
            server.stop()
        self.state.webhooks.stop()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _keep_state(self) -> None:
        assert self._state_file is not None  # noqa: S101 - for the type checker
        saved = -1
        while True:
            last = self._stopped.wait(SAVE_EVERY)
            now = self.state.change_count
            # While the disk is full nothing is saved; the next round tries again.
            with contextlib.suppress(OSError):
                if now != saved:
                    self.state.save(self._state_file)
                    saved = now
            if last:
                return

    @property
    def port(self) -> int:
        """The port of all of them."""
        return self._servers[None].server_port

    def _address(self, slug: str | None) -> str:
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self._servers[slug].server_port}"

    @property
    def address(self) -> str:
        """The address of the root page, without a slash at its end."""
        return self._address(None)

    def origin(self, provider: str) -> str:
        """A provider's origin on the port of all of them."""
        return f"{self.address}/{provider}"

    def own_origin(self, provider: str) -> str:
        """A provider's origin on the port of its own; KeyError if it has none."""
        return self._address(provider)

    def fault(self, **rule: Any) -> int:
        """Adds a fault with the fields of `POST /control/faults`; its id. ValueError says what is wrong."""
        return int(self.state.add_fault(rule)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The added faults, with their counts `matched` and `fired`."""
        faults: list[dict[str, Any]] = self._control.faults()["faults"]
        return faults

    def fired(self, number: int) -> int:
        """How often the fault with this id has happened; KeyError for an unknown id."""
        with self.state.lock:
            return self.state.faults.by_id[number].fired

    def clear_faults(self) -> None:
        """Removes every added fault."""
        with self.state.lock:
            for rule in list(self.state.faults.requested):
                self.state.faults.drop(rule.id)

    def ledger(self) -> dict[str, Any]:
        """The ledger, as `GET /ledger` shows it."""
        return self._control.ledger()

    def jobs(self, provider: str, project: str) -> int:
        """How many exports of a project were made."""
        with self.state.lock:
            return self.state.ledger.jobs[provider][project]

    def reset(self) -> None:
        """Back to the initial state, except for the settings."""
        self.state.reset()

    def expire_tokens(self) -> None:
        """Makes every access token issued so far invalid."""
        self.state.expire_tokens()

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Changes settings (see `Settings`) and returns them all; ValueError says what is wrong with one."""
        return self._control.change(changes)
