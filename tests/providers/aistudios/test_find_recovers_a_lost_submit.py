"""After a lost answer `find` reports an execution only where there is a proof of it."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.contract import Accepted, Unknown
from exports.transport.client import Client
from exports.transport.errors import NotFoundError
from tests.helpers.stub_server import StubServer
from tests.providers.aistudios.conftest import NEW, OLD, PROJECT, READ, bad, job, project

BEFORE = {"task": "t1", "updated": "1", "link": "hash", "progress": 100.0, "state": "exported"}


def find(stub: StubServer, client: Client, baseline: dict[str, Any], **fields: Any) -> object:
    stub.on(READ, project(**fields))
    return AIStudios().find(client, job(baseline=baseline))


def test_a_new_task_id_proves_that_the_request_was_executed(stub: StubServer, client: Client) -> None:
    found = find(stub, client, BEFORE, backendTaskId="t2", progress=100, download_url=OLD)
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.state, found.status.memo) == (PROJECT, "running", None)


def test_a_first_task_id_proves_it_too(stub: StubServer, client: Client) -> None:
    assert isinstance(find(stub, client, {**BEFORE, "task": ""}, backendTaskId="t1"), Accepted)


def test_progress_that_fell_from_100_proves_it(stub: StubServer, client: Client) -> None:
    found = find(stub, client, BEFORE, backendTaskId="t1", progress=12)
    assert isinstance(found, Accepted)
    assert found.status.memo == {"moved": True}


@pytest.mark.parametrize(
    "fields",
    [
        {"backendTaskId": "t1", "progress": 100, "download_url": OLD},
        {"backendTaskId": "t1", "progress": 100, "updatedAt": "2", "name": "renamed"},
        {"backendTaskId": "t1", "progress": 100, "download_url": NEW},
        {"progress": 100},
        {},
    ],
)
def test_nothing_else_proves_it(stub: StubServer, client: Client, fields: dict[str, Any]) -> None:
    found = find(stub, client, BEFORE, **fields)
    assert isinstance(found, Unknown)
    assert found.may_turn_up
    assert "no trace" in found.message


def test_progress_that_was_below_100_before_proves_nothing(stub: StubServer, client: Client) -> None:
    assert isinstance(find(stub, client, {**BEFORE, "progress": 57.0}, backendTaskId="t1", progress=12), Unknown)


def test_without_a_baseline_nothing_is_proven(stub: StubServer, client: Client) -> None:
    assert isinstance(find(stub, client, {}, backendTaskId="t2", progress=12), Unknown)


def test_a_project_that_no_longer_exists_is_not_found(stub: StubServer, client: Client) -> None:
    stub.on(READ, bad(404, "Project not found", 404))
    with pytest.raises(NotFoundError):
        AIStudios().find(client, job(baseline=BEFORE))
