"""The servers that the tests use: PostgreSQL, Redis and RabbitMQ, and a database and queues for one portal on them.

Their addresses are TEST_DATABASE_URL, TEST_REDIS_URL and TEST_RABBITMQ_URL; each has a default on this machine. A test
whose server does not answer is skipped with a line that says so; with REQUIRE_SERVICES=1 it fails.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from kombu import Connection
from psycopg import sql

from tests.helpers.broker_queues import PREFIX_VARIABLE, drop_queues

DATABASE = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
SETUPS = ("sqlite-embedded", "postgresql-redis", "postgresql-rabbitmq")


def skip_or_fail(what: str, error: Exception) -> None:
    """Skips the test because this server does not answer; fails it where all servers are required."""
    text = f"{what} does not answer ({type(error).__name__}): the test was not run on it."
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(text)
    pytest.skip(text)


def broker_at(name: str) -> str:
    """The address of this broker (a key of BROKERS). Skips or fails the test when it does not answer."""
    try:
        with Connection(BROKERS[name], connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        skip_or_fail(name, error)
    return BROKERS[name]


def connect_as_admin(address: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection to the PostgreSQL server there, in autocommit mode. Skips or fails the test without one."""
    try:
        return psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True, connect_timeout=3)
    except psycopg.Error as error:
        skip_or_fail("PostgreSQL", error)
        raise


@contextlib.contextmanager
def database_at(address: str) -> Iterator[str]:
    """The address of a new database on the server there, which is dropped when the block ends."""
    name = f"portal_test_{secrets.token_hex(6)}"
    with connect_as_admin(address) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(address)._replace(path=f"/{name}"))
    finally:
        with connect_as_admin(address) as admin:
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
                PREFIX_VARIABLE: name,
            }
        finally:
            drop_queues(messages, name)
