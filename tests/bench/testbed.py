"""What a bench stands on: a database of its own, a folder, a portal of real processes, and the stand-in provider."""

import atexit
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import psycopg
import requests
from psycopg import sql

from tests.bench.environment import KEYS, SERVER, SETTINGS, address, empty_broker
from tests.bench.versions import CURRENT, Version
from tests.helpers import certificates
from tests.helpers.installation import QUIET, ROOT, Installation, wait_for
from tests.helpers.prepared_portal import SCRIPT
from tests.helpers.stub_server import free_port

SHARED: Final = Path("/dev/shm")


class ProviderProcess:
    """The stand-in provider's process. `ca`: its authority; `trusted`: the usual list of authorities, and that one."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.port = free_port()
        self.ca = ""
        certificate = []
        if tls:
            authority, server = certificates.make_certificates(folder)
            self.ca, certificate = str(authority), [str(server)]
            self.trusted = folder / "trusted.pem"
            self.trusted.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        arguments = [sys.executable, "-m", "tests.bench.fake_provider", str(self.port), *certificate]
        self.process = subprocess.Popen(arguments, cwd=ROOT)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = self.ca or True
        wait_for(self._answers, 10, "the stand-in provider")

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return self.session.get(f"{self.origin}/control", timeout=5).status_code == 200
        return False

    def set(self, **options: Any) -> None:
        """Sets options, see `fake_provider.State.set`."""
        self.session.post(f"{self.origin}/control", json=options, timeout=30).raise_for_status()

    def report(self) -> dict[str, Any]:
        """What happened there, see `fake_provider.State.report`."""
        report: dict[str, Any] = self.session.get(f"{self.origin}/control", timeout=60).json()
        return report

    def poll_times(self) -> dict[str, list[float]]:
        """When each job was polled, in seconds since 1970."""
        times: dict[str, list[float]] = self.report()["polled"]
        return times

    def stop(self) -> None:
        """Ends it."""
        self.session.close()
        self.process.kill()
        self.process.wait(10)


class Portal(Installation):
    """An installation of one of the measured versions."""

    def __init__(self, version: Version, folder: Path, private: str, **environment: str) -> None:
        super().__init__(folder, private, **environment)
        self.version = version

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts `python -m …` in the version's tree, in a session of its own; its output goes to the folder."""
        with (self.folder / f"{arguments[0]}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=self.version.root,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def start_node(self, slots: int) -> subprocess.Popen[bytes]:
        """A Celery worker with a prefork pool of this size, as `manage.py up` starts it beside Redis and PostgreSQL."""
        name = f"worker-{secrets.token_hex(4)}@bench"
        return self.start("celery", "-A", "portal", "worker", *self.version.pool_arguments(slots), "-n", name, *QUIET)

    def run_module(self, name: str, *arguments: str) -> None:
        """Runs `python -m name …` in the version's tree to its end."""
        environment = {**self.environment, "PGAPPNAME": "bench"}
        command = [sys.executable, "-m", name, *arguments]
        done = subprocess.run(command, cwd=self.version.root, env=environment, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def prepare(self, prepared: Path | None = None) -> None:
        """Migrates the database with the version's own migrations, and makes a team with an owner and a token."""
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, "migrate", "--verbosity", "0"],
            cwd=self.version.root,
            env={**self.environment, "PYTHONPATH": str(self.version.root)},
            input="a long enough one\n",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.token = done.stdout.rpartition("token ")[2].strip()

    def stop_process(self, process: subprocess.Popen[bytes]) -> None:
        """Ends a process with SIGTERM, and after 15 s with SIGKILL."""
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        self.kill(process)


@dataclass
class Testbed:
    """All of it. `database`: the name of the database."""

    folder: Path
    database: str
    stand_in: ProviderProcess
    portal: Portal

    def backends(self) -> list[int]:
        """The database server's processes for the portal's connections, without this program's."""
        with psycopg.connect(self.address, autocommit=True) as server:
            rows = server.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name <> 'bench'"
                " AND pid <> pg_backend_pid()",
                [self.database],
            ).fetchall()
        return [int(row[0]) for row in rows]

    @property
    def address(self) -> str:
        """Where the database is, for psycopg."""
        return address(self.database, "postgresql")


def use_database(database: str) -> None:
    """Points this process's Django at a database."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = database


@contextlib.contextmanager
def data_folder(size: int = 0) -> Iterator[Path]:
    """A folder: in memory where there is room for so many bytes three times over, else on disk."""
    shared = SHARED if SHARED.is_dir() and os.access(SHARED, os.W_OK) and size else None
    if shared is not None and 3 * size > min(_available(), _free(shared)):
        shared = None
    with tempfile.TemporaryDirectory(prefix="portal-bench-", dir=shared, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _free(folder: Path) -> int:
    system = os.statvfs(folder)
    return system.f_bavail * system.f_frsize


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


_templates: dict[Version, tuple[str, str]] = {}


def template(version: Version) -> tuple[str, str]:
    """The name of a database with the version's tables, a team and a token in it, made once in a run; and the token."""
    if version not in _templates:
        name = f"portal_bench_{os.getpid()}_{len(_templates)}"
        with data_folder() as folder, psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            atexit.register(drop, name)
            portal = Portal(version, folder, "", DATABASE_URL=address(name), DJANGO_SETTINGS_MODULE=SETTINGS, **KEYS)
            portal.prepare()
            _templates[version] = name, portal.token
    return _templates[version]


def drop(name: str) -> None:
    """Drops a database of this run."""
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def open_testbed(
    version: Version = CURRENT, *, tls: bool = False, size: int = 0, **environment: str
) -> Iterator[Testbed]:
    """A fresh database with the version's tables in it, the stand-in provider, and a portal without processes yet.

    `size`: bytes of the largest file; the folder is in memory where it fits. Django of this process works on the
    database that was opened last, and can do so only where that is this tree's.
    """
    like, token = template(version)
    name = f"{like}_{secrets.token_hex(3)}"
    with data_folder(size) as folder, psycopg.connect(SERVER, autocommit=True) as server:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
        server.execute(create)
        stand_in = ProviderProcess(folder, tls=tls)
        trusted = {"BENCH_CA": str(stand_in.trusted)} if tls else {}
        portal = Portal(
            version,
            folder,
            f"127.0.0.1:{stand_in.port}",
            DATABASE_URL=address(name),
            CELERY_BROKER_URL=empty_broker(),
            DJANGO_SETTINGS_MODULE=SETTINGS,
            CELERY_SKIP_CHECKS="1",
            **KEYS,
            **trusted,
            **environment,
        )
        portal.token = token
        try:
            use_database(name)
            yield Testbed(folder, name, stand_in, portal)
        except BaseException:
            print(portal.logs(), file=sys.stderr)
            raise
        finally:
            portal.stop()
            stand_in.stop()
            use_database(urlsplit(SERVER).path.lstrip("/"))
            drop(name)


def wait_for_heartbeats(
    here: Testbed, prefix: str, count: int, since: float, processes: Sequence[subprocess.Popen[bytes]]
) -> None:
    """Waits until so many heartbeats whose names begin so have been written since then (seconds since 1970)."""
    with psycopg.connect(here.address, autocommit=True) as server:

        def are_alive() -> bool:
            if any(process.poll() is not None for process in processes):
                raise AssertionError(f"a process ended\n{here.portal.logs()}")
            row = server.execute(
                "SELECT count(*) FROM exports_heartbeat WHERE starts_with(name, %s) AND at > to_timestamp(%s)",
                [prefix, since],
            ).fetchone()
            return bool(row and row[0] >= count)

        wait_for(are_alive, 60, f"{count} heartbeats of {prefix}")
