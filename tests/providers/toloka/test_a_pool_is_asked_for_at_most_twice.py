"""A pool whose request named no operation is asked for once more, minutes later, and then the reason is said."""

from collections.abc import Mapping
from typing import Any

import pytest

from exports.providers.contract import NotYet
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import RefusedError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import Pools, job

WITH_POOLS = {"archive_pools": True}


@pytest.mark.parametrize(
    "reply", [Reply(204), Reply(202), Reply(202, {"status": "PENDING"}), Reply(500), Reply(cut=True)], ids=str
)
def test_where_no_operation_is_named_a_pool_is_asked_for_at_most_twice(
    toloka: Toloka, client: Client, stub: StubServer, reply: Reply
) -> None:
    pools = Pools(stub, {"1": "CLOSED"}, {})
    pools.answers["1"] = reply
    pauses: list[float] = []

    def prepare_to_the_end() -> None:
        memo: Mapping[str, Any] = {}
        for _ in range(1000):
            waiting = toloka.prepare(client, job(options=WITH_POOLS, memo=memo))
            assert isinstance(waiting, NotYet)
            memo = waiting.memo or {}
            pauses.append(waiting.seconds)

    with pytest.raises(RefusedError, match="asked twice to archive pool 1") as caught:
        prepare_to_the_end()
    assert caught.value.code == "provider_failed"
    assert len(stub.requests_to("POST /api/v1/pools/1/archive")) == 2
    assert 300 < sum(pauses) < 1200
