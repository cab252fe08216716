"""Before the request the project's state is recorded, and closed pools are archived when the option is set."""

import pytest

from exports.providers.contract import NotYet, Ready
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotFoundError,
    RefusedError,
    UnreadableError,
)
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import (
    ARCHIVE,
    OPERATIONS,
    POOLS,
    PROJECT,
    TRAININGS,
    Pools,
    error,
    items,
    job,
    operation,
    pool,
    project,
)

WITH_POOLS = {"archive_pools": True}


def test_the_baseline_is_the_status_and_the_project_s_own_operations(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    other = operation(id="other", parameters={"project_id": "11"})
    stub.on(PROJECT, project())
    stub.on(OPERATIONS, items(operation(id="old"), other, operation(id=7, parameters={"project_id": 10}), {"id": "x"}))
    assert toloka.prepare(client, job()) == Ready({"status": "ACTIVE", "operations": ["old", "7"]})
    assert stub.requests_to(OPERATIONS)[0].path.endswith("?sort=-submitted&limit=300&type=PROJECT.ARCHIVE")
    assert [one.method for one in stub.requests] == ["GET", "GET"]


def test_a_project_that_is_not_there_is_not_found(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, Reply(404, error("DOES_NOT_EXIST", "This object does not exist")))
    with pytest.raises(NotFoundError, match="This object does not exist"):
        toloka.prepare(client, job())


@pytest.mark.parametrize("body", [{}, [], None, {"id": "10"}])
def test_a_project_without_a_status_is_unreadable(
    toloka: Toloka, client: Client, stub: StubServer, body: object
) -> None:
    stub.on(PROJECT, Reply(body=body))
    with pytest.raises(UnreadableError):
        toloka.prepare(client, job())


def test_another_project_is_never_taken(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(PROJECT, Reply(body={"id": "11", "status": "ACTIVE"}))
    with pytest.raises(UnreadableError, match="another project, 11") as caught:
        toloka.prepare(client, job())
    assert caught.value.final


def test_an_archived_project_is_ready_and_its_pools_are_left_alone(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    pools = Pools(stub, {"1": "CLOSED"}, {})
    stub.on(PROJECT, project("ARCHIVED"))
    assert toloka.prepare(client, job(options=WITH_POOLS)) == Ready({"status": "ARCHIVED", "operations": []})
    assert pools.requests() == []


@pytest.mark.parametrize("options", [{}, {"archive_pools": False}, {"archive_pools": None}])
def test_pools_are_left_alone_unless_it_was_asked_for(
    toloka: Toloka, client: Client, stub: StubServer, options: dict[str, object]
) -> None:
    pools = Pools(stub, {"1": "CLOSED"}, {})
    assert isinstance(toloka.prepare(client, job(options=options)), Ready)
    assert pools.requests() == []
    assert stub.requests_to(POOLS) == []


def test_closed_pools_are_archived_and_then_trainings_and_then_it_is_ready(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    pools = Pools(stub, {"1": "CLOSED", "2": "ARCHIVED", "3": "CLOSED"}, {"9": "CLOSED"})
    first = toloka.prepare(client, job(options=WITH_POOLS))
    assert isinstance(first, NotYet)
    assert first.memo == {"running": {"1": "op-1", "3": "op-3"}}
    assert "pool 1 “Pool 1” (CLOSED), pool 3" in first.note
    pools.finish("1")
    second = toloka.prepare(client, job(options=WITH_POOLS, memo=first.memo or {}))
    assert isinstance(second, NotYet)
    assert second.memo == {"running": {"3": "op-3"}}
    assert pools.requests() == ["1", "3"]
    pools.finish("3")
    third = toloka.prepare(client, job(options=WITH_POOLS, memo=second.memo or {}))
    assert isinstance(third, NotYet)
    assert "training 9" in third.note
    assert pools.requests() == ["1", "3", "9"]
    pools.finish("9")
    assert isinstance(toloka.prepare(client, job(options=WITH_POOLS, memo=third.memo or {})), Ready)
    assert stub.requests_to(ARCHIVE) == []


def test_after_a_crash_a_pool_is_asked_for_again_and_204_is_as_good(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    pools = Pools(stub, {"1": "CLOSED"}, {})
    pools.answers["1"] = Reply(204)
    for _ in range(2):
        waiting = toloka.prepare(client, job(options=WITH_POOLS))
        assert isinstance(waiting, NotYet)
        assert waiting.memo == {"running": {}, "unnamed": {"1": 0}}
    pools.finish("1")
    assert isinstance(toloka.prepare(client, job(options=WITH_POOLS)), Ready)


def test_what_was_in_the_memo_before_stays_there(toloka: Toloka, client: Client, stub: StubServer) -> None:
    Pools(stub, {"1": "CLOSED"}, {})
    waiting = toloka.prepare(client, job(options=WITH_POOLS, memo={"mine": 1}))
    assert isinstance(waiting, NotYet)
    assert waiting.memo == {"mine": 1, "running": {"1": "op-1"}}


def test_many_pools_are_archived_twenty_at_a_time(toloka: Toloka, client: Client, stub: StubServer) -> None:
    pools = Pools(stub, {str(number): "CLOSED" for number in range(1, 31)}, {})
    waiting = toloka.prepare(client, job(options=WITH_POOLS))
    assert isinstance(waiting, NotYet)
    assert len(pools.requests()) == 20
    toloka.prepare(client, job(options=WITH_POOLS, memo=waiting.memo or {}))
    assert len(pools.requests()) == 20


@pytest.mark.parametrize("status", ["OPEN", "LOCKED", "SOMETHING_NEW"])
@pytest.mark.parametrize("name", ["pool", "training"])
def test_what_is_not_closed_stops_it_before_anything_is_archived(
    toloka: Toloka, client: Client, stub: StubServer, name: str, status: str
) -> None:
    odd = {"5": status}
    pools = Pools(stub, {"1": "CLOSED", **(odd if name == "pool" else {})}, odd if name == "training" else {})
    with pytest.raises(RefusedError, match=rf"never closes one. Not closed: {name} 5 “Pool 5” \({status}\)") as caught:
        toloka.prepare(client, job(options=WITH_POOLS))
    assert (caught.value.code, caught.value.provider_status) == ("precondition", status)
    assert pools.requests() == []


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("SUBMITTED_ASSIGNMENTS_CONFLICT", "accept or reject them in Toloka first"),
        ("THERE_IS_REJECTED_ASSIGNMENT", "9 days after the last rejection"),
        ("THERE_IS_ACTIVE_ASSIGNMENT", "wait until they are done"),
        ("POOL_INAPPROPRIATE_STATUS", "Only a closed pool"),
    ],
)
def test_a_pool_that_cannot_be_archived_is_named_with_the_reason(
    toloka: Toloka, client: Client, stub: StubServer, code: str, sentence: str
) -> None:
    Pools(stub, {"1": "CLOSED"}, {}).answers["1"] = Reply(409, error(code))
    with pytest.raises(RefusedError, match=rf"pool 1 “Pool 1” \(CLOSED\) cannot be archived.*{sentence}") as caught:
        toloka.prepare(client, job(options=WITH_POOLS))
    assert (caught.value.code, caught.value.provider_status) == ("precondition", code)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(409, error("POOL_LOCKED_BY_ANOTHER_OPERATION")), BusyError),
        (Reply(429, error("TOO_MANY_REQUESTS")), BusyError),
        (Reply(403, error("ACCESS_DENIED")), CredentialError),
    ],
)
def test_other_errors_of_a_pool_stay_what_they_are(
    toloka: Toloka, client: Client, stub: StubServer, reply: Reply, kind: type[Exception]
) -> None:
    Pools(stub, {"1": "CLOSED"}, {}).answers["1"] = reply
    with pytest.raises(kind):
        toloka.prepare(client, job(options=WITH_POOLS))


def test_a_pool_whose_operation_fails_ends_it_with_the_raw_details(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    Pools(stub, {"1": "CLOSED"}, {})
    stub.on("GET /api/v1/operations/op-1", Reply(body={"id": "op-1", "status": "FAIL", "details": {"why": "x"}}))
    with pytest.raises(RefusedError, match=r'could not archive pool 1 .*: \{"why": "x"\}') as caught:
        toloka.prepare(client, job(options=WITH_POOLS, memo={"running": {"1": "op-1"}}))
    assert caught.value.code == "provider_failed"


@pytest.mark.parametrize("row", [pool(1, "CLOSED", project="11"), {"id": "1", "status": "CLOSED"}])
def test_a_list_that_ignores_the_project_archives_nothing(
    toloka: Toloka, client: Client, stub: StubServer, row: dict[str, object]
) -> None:
    pools = Pools(stub, {}, {})
    stub.on(POOLS, items(row))
    with pytest.raises(UnreadableError):
        toloka.prepare(client, job(options=WITH_POOLS))
    assert pools.requests() == []
    assert stub.requests_to(TRAININGS) == []
