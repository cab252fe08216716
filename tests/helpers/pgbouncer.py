"""pgbouncer in transaction mode in front of the tests' PostgreSQL: each transaction may get another connection."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg

from tests.helpers.servers import skip_or_fail
from tests.helpers.stub_server import free_port

START_SECONDS = 10
# Few connections, handed out in turn, so that the transactions of one client soon run on several of them. Statements
# that were prepared on another one, and cursors that are open there, then fail.
SERVER_CONNECTIONS = 3
CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = admin
pool_mode = transaction
default_pool_size = {connections}
server_round_robin = 1
"""


class Pgbouncer:
    """A running pgbouncer; its log is in the folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.log = folder / "pgbouncer.txt"
        self.port = port
        self.pid = 0

    def address(self, database_url: str) -> str:
        """The address of the same database through this pgbouncer."""
        name = urlsplit(database_url).path
        return urlunsplit(("postgres", f"portal@127.0.0.1:{self.port}", name, "", ""))

    def transactions(self, database_url: str) -> int:
        """How many transactions of this database went through it."""
        name = urlsplit(database_url).path.strip("/")
        with self._admin() as admin, admin.execute("SHOW STATS_TOTALS") as cursor:
            columns = [column.name for column in cursor.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in cursor]
        return sum(int(str(row["xact_count"])) for row in rows if row["database"] == name)

    def answers(self) -> bool:
        """Whether it takes connections."""
        with contextlib.suppress(psycopg.OperationalError):
            self._admin().close()
            return True
        return False

    def _admin(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="admin", dbname="pgbouncer", autocommit=True, connect_timeout=3
        )


@contextlib.contextmanager
def pgbouncer(folder: Path, server_url: str, connections: int = SERVER_CONNECTIONS) -> Iterator[Pgbouncer]:
    """A pgbouncer before all databases of that PostgreSQL, so many connections each. Skips or fails without one."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        skip_or_fail("pgbouncer", FileNotFoundError("pgbouncer"))
        return
    started = Pgbouncer(folder, free_port())
    configuration = folder / "pgbouncer.ini"
    configuration.touch(mode=0o600)
    configuration.write_text(
        CONFIGURATION.format(server=_server(server_url), port=started.port, connections=connections)
    )
    # It does not run as root. It reads the configuration before it becomes the other user.
    user = ("-u", "nobody") if os.getuid() == 0 else ()
    with started.log.open("wb") as log:
        process = subprocess.Popen(
            [program, *user, str(configuration)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    started.pid = process.pid
    try:
        ends = time.monotonic() + START_SECONDS
        while not started.answers():
            if process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"pgbouncer does not answer: {started.log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield started
    finally:
        # Newer versions would wait for their clients after SIGTERM.
        process.kill()
        process.wait(10)


def _server(url: str) -> str:
    """The server of this address as pgbouncer's `[databases]` wants it."""
    parts = urlsplit(url)
    values = {"host": parts.hostname, "port": parts.port or 5432, "user": parts.username, "password": parts.password}
    quoted = {name: unquote(str(value)).replace("'", "''") for name, value in values.items() if value}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())
