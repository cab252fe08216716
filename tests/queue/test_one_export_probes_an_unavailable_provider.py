"""A provider that does not answer is probed by one export, and all exports go on when it answers again."""

from collections.abc import Iterator

import pytest
import time_machine
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Export, OpenCircuit
from exports.queue import circuit_breaker
from exports.steps.run import run_step
from exports.transport.client import CallRecord
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import EVERY_STEP, claim_due, make_due, request_export
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = pytest.mark.postgresql

MANY = 30


@pytest.fixture(autouse=True)
def _closed_circuits() -> Iterator[None]:
    """Forgets which calls of earlier tests were not answered."""
    circuit_breaker._unanswered.clear()
    circuit_breaker._probing.clear()
    yield
    circuit_breaker._unanswered.clear()
    circuit_breaker._probing.clear()


@pytest.fixture
def provider(settings: Settings) -> Iterator[StubServer]:
    """A provider whose gateway answers that no server is available."""
    with run_stub_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        server.on("GET /api/jobs/7", Reply(503))
        yield server


def request_exports(cast: Cast, provider: StubServer, count: int = MANY) -> list[Export]:
    """Requests exports whose jobs run at the provider."""
    exports = []
    for _ in range(count):
        project = cast.project(ARCHIVES, provider.origin)
        exports.append(request_export(project, cast.member, "archive", adopt="7", allow_duplicate=True))
    return exports


def take_every_step() -> None:
    """Makes every open export due now and takes its step."""
    make_due()
    for claim in claim_due(EVERY_STEP, 1000):
        run_step(claim)


def test_after_five_failures_the_other_exports_are_postponed_with_a_note(cast: Cast, provider: StubServer) -> None:
    request_exports(cast, provider)
    take_every_step()

    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD
    row = OpenCircuit.objects.get()
    assert row.origin == provider.origin
    assert "503" in row.reason
    postponed = Export.objects.filter(wait_note__contains="has not answered since")
    assert postponed.count() == MANY - circuit_breaker.FAILURE_THRESHOLD
    assert all(export.next_step_at is not None and export.held_until is None for export in postponed)


def test_an_open_circuit_admits_no_call_and_then_exactly_one_probe(cast: Cast, provider: StubServer) -> None:
    request_exports(cast, provider)
    take_every_step()
    take_every_step()
    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD

    OpenCircuit.objects.update(until=OpenCircuit.objects.get().since)  # its pause is over
    take_every_step()
    take_every_step()
    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD + 1


@pytest.mark.slow(seconds=5)
def test_few_calls_are_made_in_ten_minutes_without_an_answer(cast: Cast, provider: StubServer) -> None:
    with time_machine.travel("2026-03-01T12:00:00+00:00", tick=False) as clock:
        request_exports(cast, provider)
        for _ in range(120):
            clock.shift(5.0)
            for claim in claim_due(EVERY_STEP, 1000):
                run_step(claim)
    tries = len(provider.requests_to("GET /api/jobs/7")) - circuit_breaker.FAILURE_THRESHOLD
    assert 8 <= tries <= 20  # after 5, 10, 20, 40 and then every 60 seconds


def test_calls_under_way_when_the_circuit_opened_do_not_prolong_it(cast: Cast, provider: StubServer) -> None:
    call = CallRecord(
        "GET", provider.origin, None, 75.0, f"{ARCHIVES.label} did not answer in time.", "", unreachable=True
    )
    circuit_breaker.record_outcomes(
        [(provider.origin, number, call) for number in range(circuit_breaker.FAILURE_THRESHOLD)]
    )
    begun = OpenCircuit.objects.get()
    for number in range(100):
        circuit_breaker.record_outcomes([(provider.origin, 100 + number, call)])
    row = OpenCircuit.objects.get()
    assert (row.trip_count, row.until) == (1, begun.until)


@pytest.mark.slow(seconds=5)
def test_all_exports_go_on_when_the_provider_answers(cast: Cast, provider: StubServer) -> None:
    exports = request_exports(cast, provider)
    take_every_step()
    running = {"id": 7, "status": "running", "data": {}}
    provider.on("GET /api/jobs/7", Reply(body=running))
    OpenCircuit.objects.update(until=OpenCircuit.objects.get().since)
    take_every_step()
    assert not OpenCircuit.objects.exists()
    take_every_step()

    assert {Export.objects.get(pk=export.pk).status for export in exports} == {states.PROCESSING}
    assert len(provider.requests_to("GET /api/jobs/7")) >= MANY


def test_the_circuit_stays_closed_while_other_calls_are_answered(cast: Cast, provider: StubServer) -> None:
    """Every other call is answered; the exports of the rest are polled again, each by itself."""
    running = Reply(body={"id": 7, "status": "running", "data": {}})
    provider.on("GET /api/jobs/7", *[reply for _ in range(30) for reply in (Reply(503), running)])
    request_exports(cast, provider, 20)
    take_every_step()
    assert not OpenCircuit.objects.exists()
    assert len(provider.requests_to("GET /api/jobs/7")) == 20


def test_an_answer_of_500_is_an_answer(cast: Cast, provider: StubServer) -> None:
    provider.on("GET /api/jobs/7", Reply(500))
    request_exports(cast, provider, 10)
    take_every_step()
    assert not OpenCircuit.objects.exists()


def test_another_provider_is_still_called(cast: Cast, provider: StubServer, settings: Settings) -> None:
    request_exports(cast, provider, 10)
    take_every_step()
    with run_stub_server() as other:
        settings.PRIVATE_HOSTS = (provider.host, other.host)
        other.on("GET /api/jobs/7", Reply(body={"id": 7, "status": "running", "data": {}}))
        request_exports(cast, other, 3)
        take_every_step()
        assert len(other.requests_to("GET /api/jobs/7")) == 3


def test_an_export_fails_at_its_deadline_while_the_circuit_is_open(cast: Cast, provider: StubServer) -> None:
    exports = request_exports(cast, provider, 8)
    take_every_step()
    last = exports[-1]
    Export.objects.filter(pk=last.pk).update(deadline_at=last.created_at)
    take_every_step()
    last.refresh_from_db()
    assert (last.status, last.error_code) == (states.FAILED, "deadline")
    assert "has not answered" in last.error_message
