"""Fixtures: a stub server with recorded replies, and a provider's client that calls it over a real socket."""

from collections.abc import Callable, Iterator

import pytest

from exports.providers.contract import Provider
from exports.transport.client import CallRecord, Client
from exports.transport.ssrf import AddressGuard
from tests.helpers.stub_server import StubServer, run_stub_server


@pytest.fixture
def stub() -> Iterator[StubServer]:
    """A running stub server without replies."""
    with run_stub_server() as server:
        yield server


@pytest.fixture
def calls() -> list[CallRecord]:
    """Every exchange the client recorded."""
    return []


@pytest.fixture
def connect(stub: StubServer, calls: list[CallRecord]) -> Callable[..., Client]:
    """connect(provider, secrets, dialect=...) returns a client of that provider which calls the stub server."""

    def make(provider: Provider, secrets: dict[str, str], dialect: str = "", path: str = "") -> Client:
        guard = AddressGuard.allowing([stub.host])
        return Client(
            provider=provider,
            origin=stub.origin + path,
            secrets=secrets,
            guard=guard,
            dialect=dialect,
            record_call=calls.append,
        )

    return make
