"""The storms run on the three set-ups; where a PostgreSQL server is installed they start their own and crash it."""

from collections.abc import Iterator

import pytest

from tests.chaos.postgres_server import PostgresServer, running_server
from tests.services.conftest import DATABASE, SETUPS, own_sandbox, portal, servers_environment

__all__ = ["own_sandbox", "portal"]


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[PostgresServer | None]:
    with running_server() as one:
        yield one


@pytest.fixture(params=SETUPS)
def setup_environment(request: pytest.FixtureRequest, own_postgres: PostgresServer | None) -> Iterator[dict[str, str]]:
    """The environment of one set-up."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    with servers_environment(broker, own_postgres.address() if own_postgres else DATABASE) as found:
        yield found
