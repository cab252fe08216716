"""A table that is locked, and a server that stands still: pages are 503 within seconds, and exports go on after it."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import requests
from psycopg import sql

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.pgbouncer import Pgbouncer, pgbouncer
from tests.helpers.roles import TABLES
from tests.helpers.servers import DATABASE, servers_environment
from tests.services.test_a_database_that_is_away_is_a_503 import sign_in

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=60), pytest.mark.timeout(300)]
# The web process waits for a lock for 4 s and for an answer for 10 s; the rest is for a busy machine.
LOCKED_SECONDS = 9.0
STUCK_SECONDS = 18.0


@pytest.fixture
def bouncer(tmp_path: Path) -> Iterator[Pgbouncer]:
    """A pgbouncer of the test's own, which it may stop."""
    with pgbouncer(tmp_path, DATABASE) as started:
        yield started


@pytest.fixture
def behind_pgbouncer(
    tmp_path: Path, own_sandbox: Sandbox, bouncer: Pgbouncer, prepared: Path
) -> Iterator[Installation]:
    """A portal whose processes reach the database through pgbouncer."""
    with servers_environment("redis", DATABASE) as environment:
        direct = environment["DATABASE_URL"]
        with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, **environment) as started:
            started.environment |= {"DATABASE_URL": bouncer.address(direct), "DIRECT": direct}
            started.start_web()
            yield started


@contextlib.contextmanager
def locked(address: str, table: str) -> Iterator[None]:
    """Another program holds this table."""
    with psycopg.connect(address.replace("postgres://", "postgresql://")) as other:
        other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        yield
        other.rollback()


@contextlib.contextmanager
def stopped(bouncer: Pgbouncer) -> Iterator[None]:
    """The server stands still: it takes connections and answers nothing."""
    os.kill(bouncer.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(bouncer.pid, signal.SIGCONT)


def assert_unavailable(answer: requests.Response, seconds: float) -> None:
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.elapsed.total_seconds() < seconds
    assert "Nothing is lost" in answer.text


def assert_pages_are_503(portal: Installation, browser: requests.Session, seconds: float) -> None:
    assert_unavailable(portal.api("GET", "/exports"), seconds)
    page = browser.get(f"http://127.0.0.1:{portal.port}/t/real-team/exports/", timeout=60)
    assert_unavailable(page, seconds)
    assert page.headers["Content-Type"].startswith("text/html")


def test_a_locked_table_is_a_503_and_the_worker_goes_on_after_it(on_redis: Installation, own_sandbox: Sandbox) -> None:
    """The request to the provider is under way when the table is locked; its answer cannot be written down."""
    browser = requests.Session()
    sign_in(on_redis, browser)
    project = on_redis.project(TABLES, own_sandbox.origin(TABLES), "4003")
    own_sandbox.fault(provider=TABLES, project="4003", on="submit", fault="slow", seconds=2, times=1)
    on_redis.start_worker(pool="prefork", slots=3)
    number = on_redis.ask(project, "orders")
    wait_for(lambda: own_sandbox.jobs(TABLES, "4003") == 1, 60, on_redis.logs)
    with locked(on_redis.environment["DATABASE_URL"], "exports_export"):
        assert_pages_are_503(on_redis, browser, LOCKED_SECONDS)
        # What needs other tables goes on.
        assert on_redis.api("GET", "/me").status_code == 200
        time.sleep(8)
    assert on_redis.wait_until_ended(number)["status"] == "succeeded"
    assert own_sandbox.jobs(TABLES, "4003") == 1
    assert waiting_for_locks(on_redis.environment["DATABASE_URL"]) == 0


def test_a_table_that_is_locked_behind_pgbouncer_is_a_503_and_no_server_goes_on_waiting(
    behind_pgbouncer: Installation,
) -> None:
    browser = requests.Session()
    sign_in(behind_pgbouncer, browser)
    direct = behind_pgbouncer.environment["DIRECT"]
    with locked(direct, "exports_export"):
        assert_pages_are_503(behind_pgbouncer, browser, STUCK_SECONDS)
        wait_for(lambda: waiting_for_locks(direct) == 0, 10, "a statement is waited for by nobody")
    assert behind_pgbouncer.api("GET", "/exports").status_code == 200


def test_a_server_that_stands_still_is_a_503_and_exports_go_on_after_it(
    behind_pgbouncer: Installation, bouncer: Pgbouncer, own_sandbox: Sandbox
) -> None:
    portal, browser = behind_pgbouncer, requests.Session()
    sign_in(portal, browser)
    project = portal.project(TABLES, own_sandbox.origin(TABLES), "4001")
    own_sandbox.fault(provider=TABLES, project="4001", on="submit", fault="slow", seconds=2, times=1)
    portal.start_worker(pool="prefork", slots=3)
    number = portal.ask(project, "orders")
    wait_for(lambda: own_sandbox.jobs(TABLES, "4001") == 1, 60, portal.logs)
    with stopped(bouncer):
        assert_pages_are_503(portal, browser, STUCK_SECONDS)
    assert portal.wait_until_ended(number, 150)["status"] == "succeeded"
    assert own_sandbox.jobs(TABLES, "4001") == 1


def waiting_for_locks(address: str) -> int:
    """How many statements wait for a lock in this database."""
    with psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True) as admin:
        row = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return int(row[0]) if row else 0
