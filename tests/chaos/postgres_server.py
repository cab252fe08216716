"""A PostgreSQL server that belongs to the storm, which may crash it at any time."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.helpers.installation import wait_for
from tests.helpers.stub_server import free_port


def find_programs() -> Path | None:
    """The folder of initdb and postgres, None where no server is installed."""
    initdbs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    initdb = shutil.which("initdb")
    return initdbs[-1].parent if initdbs else Path(initdb).parent if initdb else None


class PostgresServer:
    """A server with its data in `folder`, on a free port of 127.0.0.1."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self.folder, self.bin, self.port = folder, bin_, free_port()
        # The server refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.process: subprocess.Popen[bytes] | None = None
        data = str(folder / "data")
        subprocess.run(
            [bin_ / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=self.user,
            check=True,
            capture_output=True,
            cwd=folder,
        )

    def address(self, database: str = "postgres") -> str:
        """The address, in the form of DATABASE_URL."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        options = ["-p", str(self.port), "-k", str(self.folder), "-c", "max_connections=100"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", *options],
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        wait_for(self._answers, 60, lambda: (self.folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        """Stops the server as a crash would: connections are cut, no checkpoint is written; the next start recovers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)

    def checkpoint(self) -> None:
        """Makes what was copied safe from a crash.

        In a copy of a template the first numbers of each sequence are in no log: the template's log has them. Without a
        checkpoint a crash would give them out again.
        """
        with psycopg.connect(self.address().replace("postgres:", "postgresql:"), autocommit=True) as database:
            database.execute("CHECKPOINT")

    def restart(self) -> None:
        """Crashes the server and starts it again."""
        self.stop()
        self.start()

    def _answers(self) -> bool:
        with (
            contextlib.suppress(psycopg.OperationalError),
            psycopg.connect(self.address().replace("postgres:", "postgresql:"), connect_timeout=3),
        ):
            return True
        return False


@contextlib.contextmanager
def running_server() -> Iterator[PostgresServer | None]:
    """A running server; None where none is installed."""
    bin_ = find_programs()
    if bin_ is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        server = PostgresServer(Path(folder), bin_)
        try:
            server.start()
            yield server
        finally:
            server.stop()
