"""A whole portal in a folder of its own: real processes, a real database, a real broker."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.helpers.broker_queues import PREFIX_VARIABLE
from tests.helpers.cast import SECRETS
from tests.helpers.fork_server import ForkedProcess
from tests.helpers.prepared_portal import TOKEN_FILE, copy_prepared, fill_database, migrate_and_create_team
from tests.helpers.stub_server import free_port

ROOT = Path(__file__).resolve().parents[2]
# Measurements override `start`: there each process is an interpreter of its own.
Process = subprocess.Popen[bytes] | ForkedProcess
QUIET = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")


class Installation:
    """Starts, kills and asks the processes of one portal. `private`: host:port of the stand-in providers."""

    def __init__(self, folder: Path, private: str, **environment: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV")}
        # As `up` does: the checks would load all pages.
        kept["CELERY_SKIP_CHECKS"] = "1"
        self.environment = {**kept, "DATA_DIR": str(folder / "var"), "PRIVATE_HOSTS": private, **environment}
        self.processes: list[Process] = []
        self.port = free_port()
        self.token = ""
        self.web: Process | None = None
        self.beat: Process | None = None

    def manage(self, *arguments: str, text: str = "", timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a command of manage.py to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def prepare(self, prepared: Path | None = None) -> None:
        """The database, a team with an owner, and a token; copied from the folder where that will do."""
        if prepared is None:
            self.token = migrate_and_create_team(self.environment, "migrate", "--verbosity", "0")
        elif "DATABASE_URL" in self.environment:
            self.token = fill_database(prepared, self.environment["DATABASE_URL"])
        else:
            copy_prepared(prepared, self.folder / "var")
            self.token = (prepared / TOKEN_FILE).read_text()

    def start(self, *arguments: str) -> Process:
        """Starts `python -m …` in a process group of its own; its output goes to the folder."""
        log = self.folder / f"{arguments[0]}-{len(self.processes)}.log"
        process = ForkedProcess(*arguments, cwd=ROOT, env=self.environment, log=log)
        self.processes.append(process)
        return process

    def start_worker(self, *options: str, pool: str = "", slots: int = 8, name: str = "") -> Process:
        """A Celery worker, by default of every queue, with the pool that `up` would choose; and a beat, once."""
        if self.beat is None or self.beat.poll() is not None:
            self.beat = self.start_beat()
        pool = pool or ("prefork" if "CELERY_BROKER_URL" in self.environment else "threads")
        node = f"{name or f'worker-{secrets.token_hex(4)}'}@test"
        command = ("celery", "-A", "portal", "worker", "-P", pool, "-c", str(slots), "-n", node)
        return self.start(*command, *QUIET, *options)

    def queue_names(self, names: str) -> str:
        """The names of these queues here: portals of tests share a broker, each with a prefix of its own."""
        prefix = self.environment.get(PREFIX_VARIABLE, "portal")
        return ",".join(f"{prefix}.{name.partition('.')[2]}" for name in names.split(","))

    def start_beat(self) -> Process:
        """Celery's beat."""
        return self.start("celery", "-A", "portal", "beat", "--pidfile=", "--loglevel", "WARNING")

    def start_web(self) -> None:
        """Gunicorn; returns when it answers."""
        self.web = self.start(
            *("gunicorn", "--no-control-socket", "--config", "python:exports.supervisor.gunicorn_config"),
            *("-b", f"127.0.0.1:{self.port}", "--threads", "4", "portal.wsgi"),
        )
        wait_for(self._answers, 60, "the web process")

    def restart_web(self) -> None:
        """kill -9 of gunicorn and its workers, and another in their place."""
        if self.web is not None:
            self.kill(self.web)
        self.start_web()

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code == 200
        return False

    def api(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Calls the portal's API."""
        address = f"http://127.0.0.1:{self.port}/api/v1{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, address, json=body, headers=headers, timeout=30, **more)

    def project(self, provider: str, origin: str, remote_id: str) -> int:
        """A project, with a credential of its own; its number."""
        name = f"{provider} {secrets.token_hex(4)}"
        wanted = {"provider": provider, "name": name, "secrets": SECRETS[provider], "origin": origin}
        credential = self.api("POST", "/credentials", wanted)
        assert credential.status_code == 201, credential.text
        project = self.api("POST", "/projects", {"credential_id": credential.json()["id"], "remote_id": remote_id})
        assert project.status_code == 201, project.text
        return int(project.json()["id"])

    def ask(self, project: int, type_: str, **more: Any) -> int:
        """Asks for an export; its number."""
        answer = self.api("POST", f"/projects/{project}/exports", {"type": type_, "confirm": True, **more})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def export(self, number: int) -> dict[str, Any]:
        """An export as the API tells it."""
        found: dict[str, Any] = self.api("GET", f"/exports/{number}").json()
        return found

    def polls(self, number: int) -> int:
        """How often the job of an export was polled, as the database counts it."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as database:
            row = database.execute("SELECT polls FROM exports_export WHERE id = %s", [number]).fetchone()
        return int(row[0]) if row else 0

    def wait_until_ended(self, number: int, seconds: float = 90) -> dict[str, Any]:
        """The export once it has ended."""
        wait_for(lambda: self.export(number)["finished_at"] is not None, seconds, lambda: str(self.export(number)))
        return self.export(number)

    def kill(self, process: Process) -> None:
        """kill -9 of the process and all it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)

    def stop(self) -> None:
        """Ends everything."""
        for process in self.processes:
            self.kill(process)

    def full_logs(self) -> str:
        """Everything the processes printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def logs(self) -> str:
        """What the processes printed."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.log")))


def wait_for(happens: Callable[[], bool], seconds: float, what: str | Callable[[], str]) -> None:
    """Waits until it happens. Fails after so many seconds."""
    ends = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > ends:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.05)


@contextlib.contextmanager
def installation(
    folder: Path, private: str, prepared: Path | None = None, **environment: str
) -> Iterator[Installation]:
    """A prepared portal without any process running yet; a copy of the prepared folder where one is given."""
    one = Installation(folder, private, **environment)
    try:
        one.prepare(prepared)
        yield one
    except BaseException:
        print(one.logs())
        raise
    finally:
        one.stop()
