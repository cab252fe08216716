"""A small response that decompresses to a huge one is cut off at the limit, without being held in memory."""

import gzip
import io
import tracemalloc
from collections.abc import Callable

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport.client import MAX_BYTES, Client
from exports.transport.errors import UnreadableError
from tests.helpers.roles import ARCHIVES
from tests.helpers.stub_server import Reply, StubServer

MIB = 1024 * 1024


def _bomb(size: int) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(size // MIB):
            file.write(b" " * MIB)
    return packed.getvalue()


@pytest.mark.parametrize("layers", [1, 2])
def test_an_answer_that_decompresses_to_half_a_gigabyte_is_cut_off(
    stub: StubServer, connect: Callable[..., Client], layers: int
) -> None:
    body = _bomb(512 * MIB)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    stub.on("GET /api/jobs/1", Reply(body=body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)}))
    client = connect(PROVIDERS[ARCHIVES], {"token": "a-token"})
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match="more than 5 MB"):
            client.get("/api/jobs/1")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BYTES
