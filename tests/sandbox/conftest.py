"""Stand-in providers shared by the tests of this folder, in their initial state for each of them."""

from collections.abc import Callable, Iterator

import pytest

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import Client, connect


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox(time_scale=0.01, limits="off") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    first = {"time_scale": 0.01, "job_seconds": 10.0, "limits": "off", "window": 60.0}
    running.settings(**first, file_bytes=None, rotate_refresh=False)
    running.reset()
    return running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Callable[[str], Client]]:
    made: list[Client] = []

    def make(provider: str) -> Client:
        made.append(connect(sandbox, provider))
        return made[-1]

    yield make
    for opened in made:
        opened.http.close()
