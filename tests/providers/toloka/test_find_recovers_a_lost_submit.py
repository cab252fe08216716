"""After a lost answer the operations and the project show whether the request was executed."""

import pytest

from exports.providers.contract import Absent, Accepted
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import UnclearError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import ID, OPERATIONS, PROJECT, error, items, job, operation, project

BEFORE = {"status": "ACTIVE", "operations": ["old"]}


def test_an_operation_above_the_baseline_is_ours(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(OPERATIONS, items(operation("RUNNING", progress=40), operation("FAIL", id="old")))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.state, found.status.progress) == (ID, "running", 40.0)


@pytest.mark.parametrize(("word", "state"), [("SUCCESS", "done"), ("FAIL", "failed"), ("PENDING", "running")])
def test_it_is_found_in_whatever_state_it_is(
    toloka: Toloka, client: Client, stub: StubServer, word: str, state: str
) -> None:
    stub.on(OPERATIONS, items(operation(word)))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert found.status.state == state


def test_an_operation_that_another_export_watches_is_not_ours(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(OPERATIONS, items(operation(), operation(id="old")))
    stub.on(PROJECT, project())
    assert toloka.find(client, job(baseline=BEFORE, watched_ids=frozenset({ID}))) == Absent()


def test_an_archived_project_proves_it_too(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(OPERATIONS, items())
    stub.on(PROJECT, project("ARCHIVED"))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.state, found.status.note) == ("", "done", "The project is archived.")


def test_without_either_it_is_absent(toloka: Toloka, client: Client, stub: StubServer) -> None:
    other = operation(id="new", parameters={"project_id": "11"})
    stub.on(OPERATIONS, items(other, operation(id="old")))
    stub.on(PROJECT, project())
    assert toloka.find(client, job(baseline=BEFORE)) == Absent()
    assert {one.method for one in stub.requests} == {"GET"}


@pytest.mark.parametrize("reply", [Reply(500, error("INTERNAL_ERROR")), Reply(cut=True), Reply(body={"items": None})])
def test_a_search_that_fails_proves_nothing(toloka: Toloka, client: Client, stub: StubServer, reply: Reply) -> None:
    stub.on(OPERATIONS, reply)
    with pytest.raises(UnclearError):
        toloka.find(client, job(baseline=BEFORE))
