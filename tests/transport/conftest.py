"""The fixtures of a stub server, which tests/helpers/stub_client.py defines, and of one that sends raw bytes."""

from collections.abc import Iterator

import pytest

from tests.helpers.raw_server import RawServer, run_raw_server
from tests.helpers.stub_client import calls, connect, stub

__all__ = ["calls", "connect", "stub"]


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """A server that sends the very bytes it is given."""
    with run_raw_server() as server:
        yield server
