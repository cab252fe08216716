"""The rows of a task's calls are written with the statement that frees its slot."""

import pytest
from django.db import connection

from exports import clock
from exports.models import Call, Reservation
from exports.queue.deferred_calls import MAX_SECONDS, deferred, free_slot, insert_calls
from tests.helpers.cast import Cast

pytestmark = pytest.mark.postgresql


def a_call(method: str = "GET") -> Call:
    return Call(at=clock.now(), method=method, url="https://example.com/", status=200, seconds=0.1)


@pytest.fixture
def _reserved(cast: Cast) -> None:
    for task_id in ("ours", "theirs"):
        Reservation.objects.create(task_id=task_id, queue="poll", until=clock.seconds_from_now(10))


@pytest.mark.usefixtures("_reserved")
def test_they_are_written_when_its_slot_is_freed() -> None:
    with deferred() as calls:
        insert_calls([a_call()])
        insert_calls([a_call()])
        assert Call.objects.count() == 0
    free_slot("ours", calls)
    assert Call.objects.count() == 2
    assert list(Reservation.objects.values_list("task_id", flat=True)) == ["theirs"]


@pytest.mark.usefixtures("_reserved")
def test_a_task_without_calls_frees_its_slot_as_well() -> None:
    free_slot("ours", [])
    assert list(Reservation.objects.values_list("task_id", flat=True)) == ["theirs"]


def test_a_task_that_goes_on_calling_writes_them_meanwhile(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    began = clock.monotonic()
    with deferred() as calls:
        insert_calls([a_call()])
        monkeypatch.setattr(clock, "monotonic", lambda: began + MAX_SECONDS + 1)
        insert_calls([a_call()])
        assert Call.objects.count() == 2
        assert calls == []


def test_outside_of_a_task_they_are_written_at_once(cast: Cast) -> None:
    insert_calls([a_call()])
    assert Call.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite takes texts of any length.")
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_reserved")
def test_a_row_that_the_database_refuses_does_not_hold_the_slot() -> None:
    free_slot("ours", [a_call(method="A method that is too long")])
    assert list(Reservation.objects.values_list("task_id", flat=True)) == ["theirs"]
