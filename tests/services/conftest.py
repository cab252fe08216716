"""The three set-ups: SQLite with the embedded broker, PostgreSQL with Redis, PostgreSQL with RabbitMQ.

Each portal has a database and a queue of its own, so that tests that run at the same time hear nothing of each other.

Servers are looked for where TEST_DATABASE_URL, TEST_REDIS_URL and TEST_RABBITMQ_URL say, else where they listen by
default. Where one does not answer its tests are skipped with a line that says so; with REQUIRE_SERVICES=1 they fail.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from kombu import Connection
from psycopg import sql

from exports.sandbox.server import Sandbox
from tests.helpers.broker_queues import QUEUE_VARIABLE, drop_queue
from tests.helpers.installation import Installation, installation

DATABASE = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
SETUPS = ("sqlite-embedded", "postgresql-redis", "postgresql-rabbitmq")


def skip_or_fail(what: str, error: Exception) -> None:
    text = f"{what} does not answer ({type(error).__name__}): the main job was not tried on it."
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(text)
    pytest.skip(text)


def broker_at(name: str) -> str:
    """The address of a broker that answers; else the test is skipped, or fails."""
    try:
        with Connection(BROKERS[name], connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        skip_or_fail(name, error)
    return BROKERS[name]


def _admin(address: str) -> "psycopg.Connection[tuple[object, ...]]":
    try:
        return psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True, connect_timeout=3)
    except psycopg.Error as error:
        skip_or_fail("PostgreSQL", error)
        raise


@contextlib.contextmanager
def database_at(address: str) -> Iterator[str]:
    """The address of a new database on the server there, for as long as it is wanted."""
    name = f"portal_test_{secrets.token_hex(6)}"
    with _admin(address) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
    finally:
        with _admin(address) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def servers_environment(broker: str, database: str) -> Iterator[dict[str, str]]:
    """The environment of a portal with a database of its own on that server, and a queue of its own at the broker."""
    messages = broker_at(broker)
    with database_at(database) as address:
        name = urlsplit(address).path.strip("/")
        try:
            yield {
                "DATABASE_URL": address,
                "CELERY_BROKER_URL": messages,
                "DJANGO_SETTINGS_MODULE": "tests.helpers.installation_settings",
                QUEUE_VARIABLE: name,
            }
        finally:
            drop_queue(messages, name)


@pytest.fixture(params=SETUPS)
def setup_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of one set-up, with a database of its own."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    with servers_environment(broker, DATABASE) as found:
        yield found


@pytest.fixture
def own_sandbox() -> Iterator[Sandbox]:
    """Stand-in providers of this test alone."""
    with Sandbox(time_scale=0.1, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def portal(
    tmp_path: Path, own_sandbox: Sandbox, setup_environment: dict[str, str], prepared: Path
) -> Iterator[Installation]:
    """A portal on each of the set-ups."""
    with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, **setup_environment) as one:
        yield one


@pytest.fixture
def embedded(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> Iterator[Installation]:
    """A portal with nothing configured."""
    with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared) as one:
        yield one
