"""Recorded replies for one provider at a time, and a client that speaks with them over a real socket."""

from collections.abc import Callable, Iterator

import pytest

from exports.providers.contract import Provider
from exports.transport.client import CallRecord, Client
from exports.transport.ssrf import AddressGuard
from tests.helpers.stub_server import StubServer, run_stub_server


@pytest.fixture(name="stub")
def wire_fixture() -> Iterator[StubServer]:
    with run_stub_server() as one:
        yield one


@pytest.fixture
def calls() -> list[CallRecord]:
    """Every exchange the client recorded."""
    return []


@pytest.fixture
def connect(stub: StubServer, calls: list[CallRecord]) -> Callable[..., Client]:
    """connect(provider, secrets, dialect=...) -> a client for the recorded replies."""

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
