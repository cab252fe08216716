"""Before a project is archived, advice names the pools with results to download, or with answers to review."""

import pytest

from exports.providers.contract import PreflightResult
from exports.providers.toloka import Toloka
from exports.providers.toloka.results import MAX_POOLS
from exports.transport.client import Client
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer
from tests.providers.toloka.conftest import ASSIGNMENTS, POOLS, PROJECT, error, items, job, pool, project


def answers(stub: StubServer, *statuses: tuple[str, str]) -> None:
    """Each pool has answers of these statuses, as (pool, status)."""

    def page(request: ReceivedRequest) -> Reply:
        found = [one for one in statuses if f"pool_id={one[0]}&status={one[1]}&limit=1" in request.path]
        return items(*({"id": "a", "pool_id": one[0], "status": one[1]} for one in found))

    stub.on(ASSIGNMENTS, page)


def advice_of(toloka: Toloka, client: Client, stub: StubServer, **pools: str) -> list[PreflightResult]:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(*(pool(number, status) for number, status in pools.items())))
    return list(toloka.preflight(client, job()))[1:]


def test_accepted_results_are_a_notice_and_no_objection(toloka: Toloka, client: Client, stub: StubServer) -> None:
    answers(stub, ("p2", "ACCEPTED"), ("p3", "ACCEPTED"))
    (results,) = advice_of(toloka, client, stub, p1="ARCHIVED", p2="ARCHIVED", p3="CLOSED")
    assert (results.ok, results.notice) == (True, True)
    assert "accepted results, in pool p2 “Pool p2” (ARCHIVED), pool p3 “Pool p3” (CLOSED)." in results.message
    assert "download them from Toloka first" in results.message


def test_answers_that_wait_for_review_are_an_objection(toloka: Toloka, client: Client, stub: StubServer) -> None:
    answers(stub, ("p1", "SUBMITTED"))
    (review,) = advice_of(toloka, client, stub, p1="CLOSED")
    assert not review.ok
    assert "Answers wait for review in pool p1" in review.message


def test_answers_of_archived_pools_can_wait_no_longer(toloka: Toloka, client: Client, stub: StubServer) -> None:
    answers(stub, ("p1", "SUBMITTED"))
    assert advice_of(toloka, client, stub, p1="ARCHIVED") == []
    assert not any("SUBMITTED" in asked.path for asked in stub.requests_to(ASSIGNMENTS))


def test_of_many_pools_it_says_how_many_were_read(toloka: Toloka, client: Client, stub: StubServer) -> None:
    answers(stub)
    advice = advice_of(toloka, client, stub, **{f"p{number}": "ARCHIVED" for number in range(19)})
    text = "The portal looked for answers in the first 5 of 19 pools."
    assert advice == [PreflightResult(True, text, notice=True)]
    assert len(stub.requests_to(ASSIGNMENTS)) == MAX_POOLS


def test_in_open_pools_people_may_be_at_work(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, project())
    stub.on(POOLS, items(pool("p1", "OPEN")))
    answers(stub)
    (pools,) = toloka.preflight(client, job())
    assert not pools.ok
    assert "1 OPEN pool" in pools.message
    assert "people may be at work" in pools.message


@pytest.mark.parametrize(
    "answer", [Reply(500), Reply(403, error("ACCESS_DENIED")), Reply(body={}), items({"id": "a", "status": "REJECTED"})]
)
def test_what_cannot_be_known_is_no_advice(toloka: Toloka, client: Client, stub: StubServer, answer: Reply) -> None:
    stub.on(ASSIGNMENTS, answer)
    assert advice_of(toloka, client, stub, p1="ARCHIVED") == []
