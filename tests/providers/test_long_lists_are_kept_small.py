"""Of lists in pages little is kept, and lists longer than any real one end with a sentence."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.registry import PROVIDERS
from exports.providers.ulule import lists
from exports.transport.client import Client
from exports.transport.errors import UnreadableError
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer

Connect = Callable[..., Client]
LISTS: dict[str, str] = {CHANGING: "GET /api/v1/projects", TABLES: "GET /v1/users/9/projects"}


def pages(stub: StubServer, provider: str, rows: int, **more: Any) -> None:
    """The provider's list of projects, in pages without end, of rows that nobody has seen."""
    count = 0

    def page(request: ReceivedRequest) -> Reply:
        nonlocal count
        count += rows
        listed = [{"id": count + number, "public_name": "One", "name": {"en": "One"}, **more} for number in range(rows)]
        links = {"has_more": True, "meta": {"next": f"?page={count}"}}
        return Reply(body={"items": listed, "projects": listed, **links})

    stub.on(LISTS[provider], page)
    stub.on("GET /v1/me", Reply(body={"id": 9}))


@pytest.mark.slow(seconds=8)
@pytest.mark.parametrize("provider", sorted(LISTS))
def test_large_entries_are_read_and_not_kept(stub: StubServer, connect: Connect, provider: str) -> None:
    pages(stub, provider, rows=20, description="x" * 50_000)
    secrets = dict(SAMPLES[provider].secrets) if provider == CHANGING else {"api_key": f"a-key-of-{TABLES}"}
    client = connect(PROVIDERS[provider], secrets)
    tracemalloc.start()
    try:
        if provider == CHANGING:
            with pytest.raises(UnreadableError, match="does not end"):
                PROVIDERS[provider].projects(client)
        else:
            assert len(PROVIDERS[provider].projects(client)) == 20 * lists.MAX_PAGES
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("provider", sorted(LISTS))
def test_more_entries_than_any_list_has_end_with_a_sentence(stub: StubServer, connect: Connect, provider: str) -> None:
    pages(stub, provider, rows=4_000)
    secrets = dict(SAMPLES[provider].secrets) if provider == CHANGING else {"api_key": f"a-key-of-{TABLES}"}
    client = connect(PROVIDERS[provider], secrets)
    with pytest.raises(UnreadableError, match="longer than the portal reads"):
        PROVIDERS[provider].projects(client)
    assert len(stub.requests_to(LISTS[provider])) == 3
