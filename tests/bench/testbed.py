"""What a bench stands on: a database of its own, a folder, a portal of real processes, and the stand-in provider."""

import atexit
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import psycopg
import requests
from psycopg import sql

from tests.bench.environment import KEYS, SERVER, SETTINGS, address, empty_broker
from tests.helpers import certificates
from tests.helpers.installation import QUIET, ROOT, Installation, wait_for
from tests.helpers.stub_server import free_port

SHARED: Final = Path("/dev/shm")


class ProviderProcess:
    """The stand-in provider's process. `ca`: its authority; `trusted`: the usual list of authorities, and that one."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        self.port = free_port()
        self.ca = ""
        more = []
        if tls:
            authority, server = certificates.make_certificates(folder)
            self.ca, more = str(authority), [str(server)]
            self.trusted = folder / "trusted.pem"
            self.trusted.write_bytes(Path(certifi.where()).read_bytes() + authority.read_bytes())
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        arguments = [sys.executable, "-m", "tests.bench.fake_playcanvas", str(self.port), *more]
        self.process = subprocess.Popen(arguments, cwd=ROOT)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = self.ca or True
        wait_for(self._answers, 10, "the stand-in provider")

    def _answers(self) -> bool:
        with contextlib.suppress(requests.ConnectionError):
            return self.session.get(f"{self.origin}/control", timeout=5).status_code == 200
        return False

    def set(self, **said: Any) -> None:
        """See `World.set`."""
        self.session.post(f"{self.origin}/control", json=said, timeout=30).raise_for_status()

    def told(self) -> dict[str, Any]:
        """See `World.told`."""
        found: dict[str, Any] = self.session.get(f"{self.origin}/control", timeout=60).json()
        return found

    def stop(self) -> None:
        """Ends it."""
        self.session.close()
        self.process.kill()
        self.process.wait(10)


class Portal(Installation):
    """An installation whose worker takes so many steps at once."""

    def start_worker(self) -> subprocess.Popen[bytes]:
        """A Celery worker as `manage.py up` starts it."""
        name = f"worker-{secrets.token_hex(4)}@bench"
        return self.start("celery", "-A", "portal", "worker", "-P", "threads", "-c", "2", "-n", name, *QUIET)

    def stop_process(self, process: subprocess.Popen[bytes]) -> None:
        """Ends a worker the gentle way."""
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        self.kill(process)


@dataclass
class Testbed:
    """All of it. `database` is its name."""

    folder: Path
    database: str
    stand_in: ProviderProcess
    portal: Portal

    def backends(self) -> list[int]:
        """The database's own processes for our connections, but for this program's."""
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
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


_template: dict[str, str] = {}


def template() -> str:
    """A database with the tables, a team and a token in it, made once for this run."""
    if not _template:
        name = f"portal_bench_{os.getpid()}"
        with data_folder() as folder, psycopg.connect(SERVER, autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            atexit.register(drop, name)
            portal = Portal(folder, "", DATABASE_URL=address(name), DJANGO_SETTINGS_MODULE=SETTINGS, **KEYS)
            portal.prepare()
            _template.update(name=name, token=portal.token)
    return _template["name"]


def drop(name: str) -> None:
    """Takes a database of ours away."""
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def open_testbed(*, tls: bool = False, size: int = 0, **environment: str) -> Iterator[Testbed]:
    """A fresh database with the tables in it, the stand-in provider, and a portal without processes yet.

    `size`: bytes of the largest file; the folder is in memory where it fits.
    """
    name = f"{template()}_{secrets.token_hex(3)}"
    with data_folder(size) as folder, psycopg.connect(SERVER, autocommit=True) as server:
        like = sql.Identifier(template())
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), like))
        stand_in = ProviderProcess(folder, tls=tls)
        more = {"BENCH_CA": str(stand_in.trusted)} if tls else {}
        portal = Portal(
            folder,
            f"127.0.0.1:{stand_in.port}",
            DATABASE_URL=address(name),
            CELERY_BROKER_URL=empty_broker(),
            DJANGO_SETTINGS_MODULE=SETTINGS,
            CELERY_SKIP_CHECKS="1",
            **KEYS,
            **more,
            **environment,
        )
        portal.token = _template["token"]
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


def worker_ready(portal: Portal, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Waits until a worker has given its first sign of life."""
    from exports.models import Heartbeat

    before = time.time()

    def alive() -> bool:
        if process.poll() is not None:
            raise AssertionError(f"the worker ended\n{portal.logs()}")
        return any(row.at.timestamp() > before - 1 for row in Heartbeat.objects.filter(name__startswith="worker:"))

    wait_for(alive, seconds, "the worker")
