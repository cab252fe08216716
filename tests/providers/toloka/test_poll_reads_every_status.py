"""A poll of an operation reads every status, times without a zone, and raw details."""

from typing import Any

import pytest

from exports.providers.contract import Status
from exports.providers.toloka import Toloka
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.toloka.conftest import ID, OPERATION, PROJECT, error, job, operation, project


def poll_job(toloka: Toloka, client: Client, stub: StubServer, status: str, **more: Any) -> Status:
    stub.on(OPERATION, Reply(body=operation(status, **more)))
    return toloka.poll(client, job(remote_id=ID))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", "running"),
        ("RUNNING", "running"),
        ("SUCCESS", "done"),
        ("FAIL", "failed"),
        ("CANCELED", "unknown"),
        ("SOMETHING_NEW", "unknown"),
    ],
)
def test_every_word_has_its_state_and_is_kept_as_it_is(
    toloka: Toloka, client: Client, stub: StubServer, word: str, state: str
) -> None:
    status = poll_job(toloka, client, stub, word)
    assert (status.state, status.provider_status) == (state, word)


def test_times_without_a_zone_are_utc(toloka: Toloka, client: Client, stub: StubServer) -> None:
    times = {
        "submitted": "2016-04-07T16:06:15.902",
        "started": "2016-10-21T15:37:00",
        "finished": "2016-10-21T15:37:01.5",
    }
    assert poll_job(toloka, client, stub, "SUCCESS", **times).note == (
        "submitted 2016-04-07 16:06:15 UTC, started 2016-10-21 15:37:00 UTC, finished 2016-10-21 15:37:01 UTC"
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2016-04-07T16:06:15.902123", "submitted 2016-04-07 16:06:15 UTC"),
        ("2016-04-07T18:06:15+02:00", "submitted 2016-04-07 16:06:15 UTC"),
        ("2016-04-07T16:06:15Z", "submitted 2016-04-07 16:06:15 UTC"),
        ("yesterday", "submitted yesterday"),
        ("9999-12-31T23:59:59-14:00", "submitted 9999-12-31T23:59:59-14:00"),
        (None, ""),
        ({}, ""),
    ],
)
def test_odd_times_do_no_harm(toloka: Toloka, client: Client, stub: StubServer, said: object, shown: str) -> None:
    assert poll_job(toloka, client, stub, "PENDING", submitted=said).note == shown


def test_only_the_status_decides_for_finished_was_seen_on_running_ones(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    status = poll_job(toloka, client, stub, "RUNNING", finished="2016-04-07T16:06:15", progress=100)
    assert (status.state, status.progress) == ("running", 100.0)
    assert "finished" not in status.note


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (0, 0.0),
        (42, 42.0),
        (99.5, 99.5),
        ("50", 50.0),
        (250, 100.0),
        (-1, None),
        (None, None),
        ("half", None),
        ([], None),
    ],
)
def test_progress_is_a_percent_or_nothing(
    toloka: Toloka, client: Client, stub: StubServer, said: object, shown: float | None
) -> None:
    assert poll_job(toloka, client, stub, "RUNNING", progress=said).progress == shown


def test_a_failure_shows_the_raw_details_shortened(toloka: Toloka, client: Client, stub: StubServer) -> None:
    status = poll_job(toloka, client, stub, "FAIL", details={"reason": "Пул", "pool_id": 5})
    assert status.messages == ('{"reason":"Пул","pool_id":5}',)
    assert status.message == 'Toloka could not archive the project: {"reason":"Пул","pool_id":5}.'
    assert status.code == "provider_failed"
    long = poll_job(toloka, client, stub, "FAIL", details={"reason": "x" * 5000})
    assert len(long.messages[0]) == 500


@pytest.mark.parametrize("details", [None, {}, "", []])
def test_a_failure_may_have_no_details(toloka: Toloka, client: Client, stub: StubServer, details: object) -> None:
    status = poll_job(toloka, client, stub, "FAIL", details=details)
    assert status.messages == ()
    assert status.message == "Toloka could not archive the project, and gives no reason."


def test_an_operation_on_another_project_is_never_taken(toloka: Toloka, client: Client, stub: StubServer) -> None:
    with pytest.raises(UnreadableError, match="another project, 11") as caught:
        poll_job(toloka, client, stub, "SUCCESS", parameters={"project_id": "11"})
    assert caught.value.final


def test_another_operation_is_never_taken(toloka: Toloka, client: Client, stub: StubServer) -> None:
    with pytest.raises(UnreadableError, match="another operation, op-2") as caught:
        poll_job(toloka, client, stub, "SUCCESS", id="op-2")
    assert caught.value.final


def test_an_operation_that_archives_a_pool_is_none_of_a_project(
    toloka: Toloka, client: Client, stub: StubServer
) -> None:
    with pytest.raises(UnreadableError, match=r"is a POOL\.ARCHIVE") as caught:
        poll_job(toloka, client, stub, "SUCCESS", type="POOL.ARCHIVE", parameters={"pool_id": "5"})
    assert caught.value.final


@pytest.mark.parametrize("body", [None, {}, [], {"id": ID}, {"status": "SUCCESS"}])
def test_an_answer_without_an_operation_is_unreadable_and_polled_again(
    toloka: Toloka, client: Client, stub: StubServer, body: object
) -> None:
    stub.on(OPERATION, Reply(body=body))
    with pytest.raises(UnreadableError) as caught:
        toloka.poll(client, job(remote_id=ID))
    assert not caught.value.final


def test_an_operation_that_is_gone_is_not_found(toloka: Toloka, client: Client, stub: StubServer) -> None:
    stub.on(OPERATION, Reply(404, error("DOES_NOT_EXIST")))
    with pytest.raises(NotFoundError):
        toloka.poll(client, job(remote_id=ID))


@pytest.mark.parametrize("reply", [Reply(500), Reply(502, "<html>"), Reply(503, error("REMOTE_SERVICE_UNAVAILABLE"))])
def test_a_poll_that_breaks_is_unclear(toloka: Toloka, client: Client, stub: StubServer, reply: Reply) -> None:
    stub.on(OPERATION, reply)
    with pytest.raises(UnclearError):
        toloka.poll(client, job(remote_id=ID))


@pytest.mark.parametrize(("status", "state"), [("ARCHIVED", "done"), ("ACTIVE", "running")])
def test_where_there_is_no_operation_the_project_itself_is_polled(
    toloka: Toloka, client: Client, stub: StubServer, status: str, state: str
) -> None:
    stub.on(PROJECT, project(status))
    polled = toloka.poll(client, job())
    assert (polled.state, polled.provider_status) == (state, status)
