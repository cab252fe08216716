"""The storms run on the three set-ups; where a PostgreSQL server is installed they start their own and crash it."""

from collections.abc import Iterator

import pytest

from tests.chaos.postgres import Server, server
from tests.services.conftest import DATABASE, SET_UPS, own_box, portal, servers

__all__ = ["own_box", "portal"]


@pytest.fixture(scope="session")
def own_server() -> Iterator[Server | None]:
    with server() as one:
        yield one


@pytest.fixture(params=SET_UPS)
def set_up(request: pytest.FixtureRequest, own_server: Server | None) -> Iterator[dict[str, str]]:
    """The environment of one set-up."""
    database, _, broker = request.param.partition("-")
    if database == "sqlite":
        yield {}
        return
    with servers(broker, own_server.address() if own_server else DATABASE) as found:
        yield found
