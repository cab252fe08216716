"""After a lost answer: the operations and the project say whether the request got through."""

import pytest

from exports.providers.base import Absent, Accepted
from exports.providers.errors import UnclearError
from exports.providers.http import Client
from exports.providers.toloka import Toloka
from tests.providers.toloka.conftest import ID, OPERATIONS, PROJECT, error, items, job, operation, project
from tests.wire import Reply, Wire

BEFORE = {"status": "ACTIVE", "operations": ["old"]}


def test_an_operation_above_the_baseline_is_ours(toloka: Toloka, client: Client, wire: Wire) -> None:
    wire.on(OPERATIONS, items(operation("RUNNING", progress=40), operation("FAIL", id="old")))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.sight.state, found.sight.progress) == (ID, "running", 40.0)


@pytest.mark.parametrize(("word", "state"), [("SUCCESS", "done"), ("FAIL", "failed"), ("PENDING", "running")])
def test_it_is_found_in_whatever_state_it_is(toloka: Toloka, client: Client, wire: Wire, word: str, state: str) -> None:
    wire.on(OPERATIONS, items(operation(word)))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert found.sight.state == state


def test_an_operation_that_another_export_watches_is_not_ours(toloka: Toloka, client: Client, wire: Wire) -> None:
    wire.on(OPERATIONS, items(operation(), operation(id="old")))
    wire.on(PROJECT, project())
    assert toloka.find(client, job(baseline=BEFORE, taken=frozenset({ID}))) == Absent(again_after=10.0)


def test_an_archived_project_proves_it_too(toloka: Toloka, client: Client, wire: Wire) -> None:
    wire.on(OPERATIONS, items())
    wire.on(PROJECT, project("ARCHIVED"))
    found = toloka.find(client, job(baseline=BEFORE))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.sight.state, found.sight.note) == ("", "done", "The project is archived.")


def test_without_either_it_is_absent_but_wants_a_second_look(toloka: Toloka, client: Client, wire: Wire) -> None:
    other = operation(id="new", parameters={"project_id": "11"})
    wire.on(OPERATIONS, items(other, operation(id="old")))
    wire.on(PROJECT, project())
    assert toloka.find(client, job(baseline=BEFORE)) == Absent(again_after=10.0)
    assert {one.method for one in wire.asked} == {"GET"}


@pytest.mark.parametrize("reply", [Reply(500, error("INTERNAL_ERROR")), Reply(cut=True), Reply(body={"items": None})])
def test_a_look_that_fails_says_nothing(toloka: Toloka, client: Client, wire: Wire, reply: Reply) -> None:
    wire.on(OPERATIONS, reply)
    with pytest.raises(UnclearError):
        toloka.find(client, job(baseline=BEFORE))
