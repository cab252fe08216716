"""The three set-ups: SQLite with the embedded broker, PostgreSQL with Redis, PostgreSQL with RabbitMQ.

Servers are looked for where TEST_DATABASE_URL, TEST_REDIS_URL and TEST_RABBITMQ_URL say, else where they listen by
default. Where one does not answer its tests are skipped with a line that says so; with REQUIRE_SERVICES=1 they fail.
"""

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
from tests.services.installation import Installation, installation

DATABASE = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
BROKERS = {
    "redis": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//"),
}
SET_UPS = ("sqlite-embedded", "postgresql-redis", "postgresql-rabbitmq")


def _missing(what: str, error: Exception) -> None:
    text = f"{what} does not answer ({type(error).__name__}): the main job was not tried on it."
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(text)
    pytest.skip(text)


def _broker(name: str) -> str:
    try:
        with Connection(BROKERS[name], connect_timeout=3) as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
    except Exception as error:
        _missing(name, error)
    return BROKERS[name]


def _admin() -> "psycopg.Connection[tuple[object, ...]]":
    try:
        return psycopg.connect(DATABASE.replace("postgres://", "postgresql://"), autocommit=True, connect_timeout=3)
    except psycopg.Error as error:
        _missing("PostgreSQL", error)
        raise


@pytest.fixture(params=SET_UPS)
def set_up(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of one set-up, with a database of its own."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    name = f"portal_test_{secrets.token_hex(6)}"
    address = _broker(broker)
    with _admin() as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield {
                "DATABASE_URL": urlunsplit(urlsplit(DATABASE)._replace(path=f"/{name}")),
                "CELERY_BROKER_URL": address,
            }
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def own_box() -> Iterator[Sandbox]:
    """Stand-in providers of this test alone."""
    with Sandbox(time_scale=0.1, limits="off") as box:
        yield box


@pytest.fixture
def portal(tmp_path: Path, own_box: Sandbox, set_up: dict[str, str]) -> Iterator[Installation]:
    """A portal on each of the set-ups."""
    with installation(tmp_path, f"127.0.0.1:{own_box.port}", **set_up) as one:
        yield one


@pytest.fixture
def embedded(tmp_path: Path, own_box: Sandbox) -> Iterator[Installation]:
    """A portal with nothing configured."""
    with installation(tmp_path, f"127.0.0.1:{own_box.port}") as one:
        yield one
