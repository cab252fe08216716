"""The three set-ups: SQLite with the embedded broker, PostgreSQL with Redis, PostgreSQL with RabbitMQ.

Each portal has a database and a queue of its own, so that tests that run at the same time do not affect each other.
Where the servers are looked for is in tests/helpers/servers.py.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation
from tests.helpers.installation_fixtures import own_sandbox, portal
from tests.helpers.servers import DATABASE, SETUPS, servers_environment

__all__ = ["own_sandbox", "portal"]


@pytest.fixture(params=SETUPS)
def setup_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of one set-up, with a database of its own."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    with servers_environment(broker, DATABASE) as environment:
        yield environment


@pytest.fixture
def embedded(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> Iterator[Installation]:
    """A portal with nothing configured."""
    with installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared) as started:
        yield started


@pytest.fixture
def on_redis(tmp_path: Path, own_sandbox: Sandbox, prepared: Path) -> Iterator[Installation]:
    """A portal on PostgreSQL and Redis, with its web process."""
    with (
        servers_environment("redis", DATABASE) as environment,
        installation(tmp_path, f"127.0.0.1:{own_sandbox.port}", prepared, **environment) as started,
    ):
        started.start_web()
        yield started
