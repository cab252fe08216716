"""The storms run on the three set-ups. Where PostgreSQL is installed, they start a server of their own and crash it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.postgres_server import PostgresServer, running_server
from tests.helpers.installation_fixtures import own_sandbox, portal
from tests.helpers.servers import DATABASE, SETUPS, servers_environment

__all__ = ["own_sandbox", "portal"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every storm as slow."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow(seconds=65))


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[PostgresServer | None]:
    with running_server() as server:
        yield server


@pytest.fixture(params=SETUPS)
def setup_environment(request: pytest.FixtureRequest, own_postgres: PostgresServer | None) -> Iterator[dict[str, str]]:
    """The environment of one set-up."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    with servers_environment(broker, own_postgres.address() if own_postgres else DATABASE) as environment:
        yield environment
