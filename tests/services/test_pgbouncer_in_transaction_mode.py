"""The portal works behind pgbouncer in transaction mode, where no session outlives a transaction."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation
from tests.helpers.pgbouncer import Pgbouncer, pgbouncer
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.servers import DATABASE, servers_environment

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=25), pytest.mark.timeout(240)]

TRANSACTIONS = 100


@pytest.fixture
def bouncer(tmp_path: Path) -> Iterator[Pgbouncer]:
    """A pgbouncer in front of the tests' PostgreSQL."""
    with pgbouncer(tmp_path, DATABASE) as started:
        yield started


@pytest.fixture
def behind_pgbouncer(tmp_path: Path, own_sandbox: Sandbox, bouncer: Pgbouncer) -> Iterator[Installation]:
    """A portal on Redis and on a database that all its processes, and its migrations, reach through pgbouncer."""
    with servers_environment("redis", DATABASE) as environment:
        environment["DATABASE_URL"] = bouncer.address(environment["DATABASE_URL"])
        with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", None, **environment) as started:
            started.start_web()
            yield started


def test_transactions_of_one_client_run_on_several_connections(bouncer: Pgbouncer) -> None:
    address = bouncer.address(DATABASE)
    with psycopg.connect(address, autocommit=True) as client, psycopg.connect(address) as other:
        first = _backend(client)
        # The transaction of `other` stays open.
        assert _backend(other) == first
        assert _backend(client) != first


def test_exports_end_with_their_files_and_the_commands_succeed(
    behind_pgbouncer: Installation, own_sandbox: Sandbox, bouncer: Pgbouncer
) -> None:
    portal = behind_pgbouncer
    portal.start_worker(pool="prefork", slots=3)
    # Polls that change nothing are written together, with the statement that takes its rows from arrays.
    own_sandbox.fault(provider=ARCHIVES, project="100001", on="poll", fault="unknown_word", times=6)
    app = portal.project(ARCHIVES, own_sandbox.origin(ARCHIVES), "100001")
    orders = portal.project(TABLES, own_sandbox.origin(TABLES), "4001")
    numbers = [portal.ask(app, "archive", allow_twin=True) for _ in range(3)] + [portal.ask(orders, "orders")]
    for number in numbers:
        export = portal.wait_until_ended(number)
        assert (export["status"], export["error"]) == ("succeeded", None)
        assert export["file"]["verified_at"]

    keys = portal.folder / "var" / "credential_keys"
    keys.write_text(f"{Fernet.generate_key().decode()}\n{keys.read_text()}")
    rotated = portal.manage("rotate_credentials")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert "2 credentials" in rotated.stdout
    doctor = portal.manage("doctor")
    assert (doctor.returncode, doctor.stderr) == (0, ""), doctor.stdout
    assert "FAIL" not in doctor.stdout

    assert bouncer.transactions(portal.environment["DATABASE_URL"]) > TRANSACTIONS
    logs = portal.full_logs()
    for problem in ("prepared statement", "cursor", "The database does not answer", "could not be renewed"):
        assert problem not in logs


def _backend(connection: "psycopg.Connection[tuple[object, ...]]") -> object:
    """The process id of the server process that ran this statement."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row and row[0]
