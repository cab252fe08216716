"""DEAD_MAN_URL is asked once a minute while dispatch and each queue go on, and its failure harms nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django.fixtures import Settings

from exports.models import Heartbeat, LastRun
from exports.models.incident import DISPATCH
from exports.queue.capacity import FETCH, QUEUES
from portal.watch import watch_once
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = pytest.mark.django_db
ROUTE = "GET /ping/secret-mark"


@pytest.fixture
def monitor(settings: Settings) -> Iterator[StubServer]:
    with run_stub_server() as server:
        server.on(ROUTE, Reply(200))
        settings.DEAD_MAN_URL = f"{server.origin}/ping/secret-mark"
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 11, 3, 12, tzinfo=UTC), tick=True) as one:
        yield one


def live(traveller: time_machine.Traveller, minutes: float, *, without: str = "", dispatches: bool = True) -> None:
    for _ in range(round(minutes * 6)):
        traveller.shift(timedelta(seconds=10))
        Heartbeat.record("worker:one@host", queues=[queue for queue in QUEUES if queue != without], slots=4)
        if dispatches:
            LastRun.record(DISPATCH)
        watch_once()


def test_it_is_asked_once_a_minute(monitor: StubServer, traveller: time_machine.Traveller) -> None:
    live(traveller, 10)
    assert 9 <= len(monitor.requests_to(ROUTE)) <= 11


def test_not_while_a_queue_has_no_reader(monitor: StubServer, traveller: time_machine.Traveller) -> None:
    live(traveller, 5, without=FETCH)
    assert monitor.requests == []
    live(traveller, 1)
    assert len(monitor.requests) == 1


def test_not_while_nothing_is_dispatched(monitor: StubServer, traveller: time_machine.Traveller) -> None:
    live(traveller, 1)
    asked = len(monitor.requests)
    live(traveller, 1, dispatches=False)
    live_until = len(monitor.requests)
    live(traveller, 5, dispatches=False)
    assert len(monitor.requests) == live_until <= asked + 1


def test_a_failure_is_logged_without_the_address(
    monitor: StubServer, traveller: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.on(ROUTE, Reply(500), Reply(cut=True))
    live(traveller, 3)
    assert "DEAD_MAN_URL answered 500" in caplog.text
    assert "DEAD_MAN_URL could not be asked" in caplog.text
    assert "secret-mark" not in caplog.text
    assert LastRun.time_of(DISPATCH) is not None


def test_the_address_rules_hold_for_it(
    monitor: StubServer, traveller: time_machine.Traveller, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PRIVATE_HOSTS = ()
    live(traveller, 1)
    assert monitor.requests == []
    assert "could not be asked (AddressError)" in caplog.text
