"""Submit sends the one request that archives a project, and reads every answer to it."""

from typing import Any

import pytest

from exports.providers.contract import Accepted
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, RefusedError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import (
    ARCHIVE,
    ID,
    POOLS,
    PROJECT,
    TRAININGS,
    error,
    items,
    job,
    operation,
    pool,
    project,
)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_operation_is_accepted_whatever_the_2xx(
    toloka: Toloka, client: Client, stub: StubServer, status: int
) -> None:
    stub.on(ARCHIVE, Reply(status, operation()))
    accepted = toloka.submit(client, job())
    assert accepted.remote_id == ID
    assert (accepted.status.state, accepted.status.provider_status) == ("running", "PENDING")


def test_the_request_has_no_body_and_says_who_asks(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(ARCHIVE, Reply(202, operation()))
    toloka.submit(client, job())
    (asked,) = stub.requests_to(ARCHIVE)
    assert asked.body == b""
    assert asked.headers["Authorization"] == "OAuth AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def test_success_at_once_is_done_at_once(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(ARCHIVE, Reply(202, operation("SUCCESS", progress=100)))
    accepted = toloka.submit(client, job())
    assert (accepted.remote_id, accepted.status.state, accepted.status.progress) == (ID, "done", 100.0)


def already(accepted: Accepted) -> bool:
    status = accepted.status
    return (accepted.remote_id, status.state, status.note) == ("", "done", "The project was already archived.")


def test_204_means_that_it_was_archived_before_where_the_project_says_so(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    stub.on(ARCHIVE, Reply(204))
    stub.on(PROJECT, project("ARCHIVED"))
    assert already(toloka.submit(client, job()))
    stub.on(PROJECT, project("ACTIVE"))
    with pytest.raises(UnreadableError):
        toloka.submit(client, job())


@pytest.mark.parametrize("code", ["PROJECT_INAPPROPRIATE_STATUS", "INAPPROPRIATE_STATUS", "CONFLICT_STATE"])
def test_a_conflict_means_the_same_when_the_project_is_archived(
    toloka: Toloka, client: Client, stub: StubServer, code: str
) -> None:
    stub.on(ARCHIVE, Reply(409, error(code)))
    stub.on(PROJECT, project("ARCHIVED"))
    assert already(toloka.submit(client, job()))
    assert len(stub.requests_to(ARCHIVE)) == 1


def test_a_conflict_is_a_precondition_when_the_project_is_not_archived(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    stub.on(ARCHIVE, Reply(409, error("PROJECT_INAPPROPRIATE_STATUS")))
    stub.on(PROJECT, project("ACTIVE"))
    with pytest.raises(RefusedError, match="The project's status does not allow it") as caught:
        toloka.submit(client, job())
    assert (caught.value.code, caught.value.provider_status) == ("precondition", "PROJECT_INAPPROPRIATE_STATUS")


def test_unarchived_pools_are_named_with_their_status(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(ARCHIVE, Reply(409, error("UNARCHIVED_POOLS_CONFLICT", "There are unarchived pools")))
    stub.on(POOLS, items(pool(1, "OPEN", "Cats"), pool("2", "ARCHIVED"), pool("3", "CLOSED", "Dogs")))
    with pytest.raises(RefusedError) as caught:
        toloka.submit(client, job())
    assert (caught.value.code, caught.value.provider_status) == ("precondition", "UNARCHIVED_POOLS_CONFLICT")
    assert "Every pool of the project must be archived first." in caught.value.message
    assert "Not archived: pool 1 “Cats” (OPEN), pool 3 “Dogs” (CLOSED)." in caught.value.message
    assert "project_id=10" in stub.requests_to(POOLS)[0].path


def test_of_many_unarchived_pools_twenty_are_named(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(ARCHIVE, Reply(409, error("UNARCHIVED_POOLS_CONFLICT")))
    stub.on(POOLS, items(*(pool(number, "CLOSED") for number in range(1, 26))))
    with pytest.raises(RefusedError, match=r"pool 20 “Pool 20” \(CLOSED\) and 5 more\."):
        toloka.submit(client, job())


def test_where_no_pool_is_in_the_way_the_trainings_are_named(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(ARCHIVE, Reply(409, error("UNARCHIVED_POOLS_CONFLICT")))
    stub.on(POOLS, items(pool(1, "ARCHIVED")))
    stub.on(TRAININGS, items(pool(9, "CLOSED", "Exam")))
    with pytest.raises(RefusedError, match=r"training 9 “Exam” \(CLOSED\)"):
        toloka.submit(client, job())


@pytest.mark.parametrize("reply", [Reply(500), Reply(cut=True), Reply(body={}), Reply(403, error("ACCESS_DENIED"))])
def test_it_is_a_precondition_also_when_the_pools_cannot_be_listed(
    toloka: Toloka, client: Client, stub: StubServer, reply: Reply
) -> None:
    stub.on(ARCHIVE, Reply(409, error("UNARCHIVED_POOLS_CONFLICT")))
    stub.on(POOLS, reply)
    with pytest.raises(RefusedError, match="Every pool") as caught:
        toloka.submit(client, job())
    assert caught.value.code == "precondition"
    assert "Not archived" not in caught.value.message


@pytest.mark.parametrize("parameters", [{"project_id": "11"}, {"project_id": 11}])
def test_an_operation_on_another_project_is_never_taken(
    toloka: Toloka, client: Client, stub: StubServer, parameters: dict[str, Any]
) -> None:
    stub.on(ARCHIVE, Reply(202, operation("SUCCESS", parameters=parameters)))
    with pytest.raises(UnreadableError, match="another project, 11") as caught:
        toloka.submit(client, job())
    assert caught.value.final


@pytest.mark.parametrize("parameters", [{"project_id": 10}, {"project_id": "10"}, {}, None])
def test_the_project_may_be_a_number_a_text_or_left_out(
    toloka: Toloka, client: Client, stub: StubServer, parameters: object
) -> None:
    stub.on(ARCHIVE, Reply(202, operation(parameters=parameters, id=57)))
    assert toloka.submit(client, job()).remote_id == "57"


@pytest.mark.parametrize(
    "body", [None, {}, [], {"id": "1"}, {"status": "SUCCESS"}, "<html>", {"id": True, "status": 1}]
)
def test_a_2xx_without_an_operation_is_unreadable(
    toloka: Toloka, client: Client, stub: StubServer, body: object
) -> None:
    stub.on(ARCHIVE, Reply(202, body))
    with pytest.raises(UnreadableError) as caught:
        toloka.submit(client, job())
    assert not caught.value.final


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(500, error("INTERNAL_ERROR")), Reply(502, "<html>")])
def test_an_answer_that_leaves_it_open_is_unclear_and_is_not_asked_again(
    toloka: Toloka, client: Client, stub: StubServer, reply: Reply
) -> None:
    stub.on(ARCHIVE, reply)
    with pytest.raises(UnclearError):
        toloka.submit(client, job())
    assert len(stub.requests) == 1


@pytest.mark.parametrize("name", ["..", "a/b", "a b", "a?b"])
def test_a_project_that_would_lead_to_another_path_is_not_found(
    toloka: Toloka, client: Client, stub: StubServer, name: str
) -> None:
    for step in (toloka.prepare, toloka.submit):
        with pytest.raises(NotFoundError):
            step(client, job(project=name))
    assert stub.requests == []
