"""Recorded replies for one provider at a time, and a client that speaks with them over a real socket."""

from collections.abc import Callable, Iterator

import pytest

from exports.providers.base import Provider
from exports.providers.guard import Guard
from exports.providers.http import CallRecord, Client
from tests.wire import Wire, wire


@pytest.fixture(name="wire")
def wire_fixture() -> Iterator[Wire]:
    with wire() as one:
        yield one


@pytest.fixture
def calls() -> list[CallRecord]:
    """Every exchange the client recorded."""
    return []


@pytest.fixture
def connect(wire: Wire, calls: list[CallRecord]) -> Callable[..., Client]:
    """connect(provider, secrets, dialect=...) -> a client for the recorded replies."""

    def make(provider: Provider, secrets: dict[str, str], dialect: str = "", path: str = "") -> Client:
        guard = Guard.allowing([wire.host])
        return Client(
            provider=provider,
            origin=wire.origin + path,
            secrets=secrets,
            guard=guard,
            dialect=dialect,
            record=calls.append,
        )

    return make
