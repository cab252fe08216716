"""A provider that does not answer is asked by one export for all, and all go on when it answers again."""

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
from tests.helpers.run_exports import EVERY_STEP, claim_due, make_due, request_export
from tests.helpers.stub_server import Reply, StubServer, run_stub_server

pytestmark = pytest.mark.postgresql

MANY = 30


@pytest.fixture(autouse=True)
def _nobody_was_silent() -> Iterator[None]:
    """What this process has seen of providers is nothing of this test's."""
    circuit_breaker._unanswered.clear()
    circuit_breaker._probing.clear()
    yield
    circuit_breaker._unanswered.clear()
    circuit_breaker._probing.clear()


@pytest.fixture
def provider(settings: Settings) -> Iterator[StubServer]:
    """A provider whose gateway says that nobody is behind it."""
    with run_stub_server() as one:
        settings.PRIVATE_HOSTS = (one.host,)
        one.on("GET /api/jobs/7", Reply(503))
        yield one


def many(cast: Cast, provider: StubServer, count: int = MANY) -> list[Export]:
    """Exports whose jobs run at the provider."""
    made = []
    for _ in range(count):
        project = cast.project("playcanvas", provider.origin)
        made.append(request_export(project, cast.member, "archive", adopt="7", allow_duplicate=True))
    return made


def all_at_once() -> None:
    """Every open export is due now and takes its step."""
    make_due()
    for claim in claim_due(EVERY_STEP, 1000):
        run_step(claim)


def test_after_five_the_others_are_put_off_with_a_note_and_not_asked_for(cast: Cast, provider: StubServer) -> None:
    many(cast, provider)
    all_at_once()

    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD
    row = OpenCircuit.objects.get()
    assert row.origin == provider.origin
    assert "503" in row.reason
    put_off = Export.objects.filter(wait_note__contains="has not answered since")
    assert put_off.count() == MANY - circuit_breaker.FAILURE_THRESHOLD
    assert all(export.next_step_at is not None and export.held_until is None for export in put_off)


def test_while_it_rests_nobody_asks_and_then_exactly_one_tries(cast: Cast, provider: StubServer) -> None:
    many(cast, provider)
    all_at_once()
    all_at_once()
    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD

    OpenCircuit.objects.update(until=OpenCircuit.objects.get().since)  # the rest is over
    all_at_once()
    all_at_once()
    assert len(provider.requests_to("GET /api/jobs/7")) == circuit_breaker.FAILURE_THRESHOLD + 1


def test_in_ten_minutes_of_silence_the_calls_stay_few(cast: Cast, provider: StubServer) -> None:
    with time_machine.travel("2026-03-01T12:00:00+00:00", tick=False) as clock:
        many(cast, provider)
        for _ in range(120):
            clock.shift(5.0)
            for claim in claim_due(EVERY_STEP, 1000):
                run_step(claim)
    tries = len(provider.requests_to("GET /api/jobs/7")) - circuit_breaker.FAILURE_THRESHOLD
    assert 8 <= tries <= 20  # after 5, 10, 20, 40 and then every 60 seconds


def test_what_was_under_way_when_the_rest_began_does_not_prolong_it(cast: Cast, provider: StubServer) -> None:
    call = CallRecord("GET", provider.origin, None, 75.0, "PlayCanvas did not answer in time.", "", unreachable=True)
    circuit_breaker.record_outcomes(
        [(provider.origin, number, call) for number in range(circuit_breaker.FAILURE_THRESHOLD)]
    )
    begun = OpenCircuit.objects.get()
    for number in range(100):
        circuit_breaker.record_outcomes([(provider.origin, 100 + number, call)])
    row = OpenCircuit.objects.get()
    assert (row.trip_count, row.until) == (1, begun.until)


def test_when_it_answers_all_go_on(cast: Cast, provider: StubServer) -> None:
    exports = many(cast, provider)
    all_at_once()
    running = {"id": 7, "status": "running", "data": {}}
    provider.on("GET /api/jobs/7", Reply(body=running))
    OpenCircuit.objects.update(until=OpenCircuit.objects.get().since)
    all_at_once()
    assert not OpenCircuit.objects.exists()
    all_at_once()

    assert {Export.objects.get(pk=export.pk).status for export in exports} == {states.PROCESSING}
    assert len(provider.requests_to("GET /api/jobs/7")) >= MANY


def test_a_provider_that_answers_others_is_not_down(cast: Cast, provider: StubServer) -> None:
    """Every other call is answered: those that are not are asked again one by one, as ever."""
    running = Reply(body={"id": 7, "status": "running", "data": {}})
    provider.on("GET /api/jobs/7", *[reply for _ in range(30) for reply in (Reply(503), running)])
    many(cast, provider, 20)
    all_at_once()
    assert not OpenCircuit.objects.exists()
    assert len(provider.requests_to("GET /api/jobs/7")) == 20


def test_an_answer_of_500_is_an_answer(cast: Cast, provider: StubServer) -> None:
    provider.on("GET /api/jobs/7", Reply(500))
    many(cast, provider, 10)
    all_at_once()
    assert not OpenCircuit.objects.exists()


def test_another_provider_is_asked_as_ever(cast: Cast, provider: StubServer, settings: Settings) -> None:
    many(cast, provider, 10)
    all_at_once()
    with run_stub_server() as other:
        settings.PRIVATE_HOSTS = (provider.host, other.host)
        other.on("GET /api/jobs/7", Reply(body={"id": 7, "status": "running", "data": {}}))
        many(cast, other, 3)
        all_at_once()
        assert len(other.requests_to("GET /api/jobs/7")) == 3


def test_an_export_whose_deadline_comes_meanwhile_says_so(cast: Cast, provider: StubServer) -> None:
    exports = many(cast, provider, 8)
    all_at_once()
    last = exports[-1]
    Export.objects.filter(pk=last.pk).update(deadline_at=last.created_at)
    all_at_once()
    last.refresh_from_db()
    assert (last.status, last.error_code) == (states.FAILED, "deadline")
    assert "has not answered" in last.error_message
