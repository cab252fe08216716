"""The stand-in as an object: start it, ask it what happened, make it misbehave, stop it."""

import contextlib
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from exports.sandbox.control import Control
from exports.sandbox.httpd import HttpServer
from exports.sandbox.options import Settings, parse_limits
from exports.sandbox.state import SandboxState

# How much of what happened a stand-in that is killed may forget.
SAVE_EVERY = 0.2


class Sandbox:
    """All four stand-ins on one port of this machine, each also alone on a port of its own where asked for.

    Times are in seconds. `port` 0 takes any free one; `alone` maps providers to further ports (0: any free one);
    `limits` is `published`, `off` or a factor. OSError if a port is taken, ValueError for settings or a state file that
    cannot be used. Safe to use from any thread.
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
    ) -> None:
        settings = Settings()
        settings.change({"time_scale": time_scale, "window": limit_window, "job_seconds": job_seconds})
        settings.change({"limits": parse_limits(limits), "file_bytes": file_bytes})
        self.state = SandboxState(settings)
        self._control = Control(self.state)
        self._host = host
        self._wanted: dict[str | None, int] = {None: port}
        self._wanted.update(alone or {})
        self._state_file = Path(state_file) if state_file else None
        self._servers: dict[str | None, HttpServer] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    def start(self) -> Self:
        """Listen, in threads of its own; returns as soon as requests are answered."""
        if self._state_file:
            self.state.load(self._state_file)
        try:
            for slug, port in self._wanted.items():
                self._servers[slug] = HttpServer((self._host, port), self.state, slug)
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
        """End at once: connections are closed, slow answers are not waited for."""
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
            # A disk that is full for a while must not end the keeping for good.
            with contextlib.suppress(OSError):
                if now != saved:
                    self.state.save(self._state_file)
                    saved = now
            if last:
                return

    @property
    def port(self) -> int:
        """The port with all four."""
        return self._servers[None].server_port

    def _address(self, slug: str | None) -> str:
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self._servers[slug].server_port}"

    @property
    def address(self) -> str:
        """Where the first page is, without a slash at the end."""
        return self._address(None)

    def origin(self, provider: str) -> str:
        """A provider's origin on the port with all four."""
        return f"{self.address}/{provider}"

    def own_origin(self, provider: str) -> str:
        """A provider's origin on the port of its own; KeyError if it has none."""
        return self._address(provider)

    def fault(self, **given: Any) -> int:
        """Put a fault in force, with the fields of `POST /control/faults`; its id. ValueError says what is wrong."""
        return int(self.state.add_fault(given)["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults asked for, with their counts `matched` and `fired`."""
        faults: list[dict[str, Any]] = self._control.faults()["faults"]
        return faults

    def fired(self, number: int) -> int:
        """How often the fault with this id has really happened."""
        with self.state.lock:
            return self.state.faults.by_id[number].fired

    def clear_faults(self) -> None:
        """Take every fault asked for out of force."""
        with self.state.lock:
            for rule in list(self.state.faults.requested):
                self.state.faults.drop(rule.id)

    def ledger(self) -> dict[str, Any]:
        """What really happened: see `GET /ledger`."""
        return self._control.ledger()

    def jobs(self, provider: str, project: str) -> int:
        """How many exports of a project were really made."""
        with self.state.lock:
            return self.state.ledger.jobs[provider][project]

    def reset(self) -> None:
        """Back to the beginning, settings apart."""
        self.state.reset()

    def expire_tokens(self) -> None:
        """Make every access token handed out so far invalid."""
        self.state.expire_tokens()

    def settings(self, **given: Any) -> dict[str, Any]:
        """Change settings (see `Settings`) and read them all."""
        return self._control.change(given)
