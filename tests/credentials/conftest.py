"""A provider on a socket whose list of projects the test chooses, and a credential for it."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from exports.models import Credential
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING
from tests.helpers.stub_server import Reply, StubServer, run_stub_server


@pytest.fixture
def stub(settings: Settings) -> Iterator[StubServer]:
    with run_stub_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def credential(cast: Cast, stub: StubServer) -> Credential:
    return cast.credential(CHANGING, stub.origin)


@pytest.fixture
def lists(stub: StubServer) -> Callable[..., None]:
    """lists("10", "11") has the provider list these projects from now on."""

    def set_list(*ids: str) -> None:
        items = [{"id": id_, "public_name": f"Project {id_}", "status": "ACTIVE"} for id_ in ids]
        stub.on("GET /api/v1/projects", Reply(body={"items": items, "has_more": False}))

    return set_list
