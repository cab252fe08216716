"""A provider's limits are never exceeded, however many exports and workers there are, and every export is sent."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models import F

from exports import clock, states
from exports.exporting import actions
from exports.models import Export, RateWindow
from exports.queue import rate_limits
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.run_exports import claim_next_step, request_export, take_step
from tests.helpers.worker import running_worker

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(240)]

OriginOf = Callable[[str], str]
# Twenty are allowed in a window, so that the limit is reached three times, and three windows pass.
MANY = 65


@pytest.fixture
def strict(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Stand-ins that enforce four times the published limits in windows of three seconds, declared here too."""
    sandbox.settings(limits=4, window=3.0)
    monkeypatch.setattr(type(ARCHIVES.provider), "limits", {"normal": (480, 3.0), "strict": (20, 3.0)})
    yield sandbox
    sandbox.settings(limits="off", window=60.0)


@pytest.fixture
def minutes(strict: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The same with windows of a minute, longer than any test takes."""
    strict.settings(window=60.0)
    monkeypatch.setattr(type(ARCHIVES.provider), "limits", {"normal": (480, 60.0), "strict": (20, 60.0)})
    return strict


@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow(seconds=40)
def test_many_exports_on_one_credential_never_get_a_429(cast: Cast, strict: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(MANY)]
    with running_worker(16):
        ends = time.monotonic() + 90
        while Export.objects.open().exists():
            assert time.monotonic() < ends
            time.sleep(0.2)

    assert {Export.objects.get(pk=export.pk).status for export in exports} == {states.SUCCEEDED}
    assert strict.ledger()["rate_limited"].get(ARCHIVES, 0) == 0
    assert strict.jobs(ARCHIVES, "100001") == MANY


@pytest.mark.slow(seconds=3)
def test_a_waiting_export_shows_when_its_window_begins(cast: Cast, minutes: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(45)]
    waits = []
    for export in exports:
        export = take_step(export)
        if export.status == states.WAITING:
            assert export.next_step_at is not None
            waits.append((export.next_step_at - clock.now()).total_seconds())
            assert "Waiting for the provider's rate limit" in export.wait_note
    assert len(waits) == 25
    assert 30 < min(waits) < 60.2
    assert 90 < max(waits) < 120.3


@pytest.mark.slow(seconds=3)
def test_rate_slots_of_canceled_exports_are_used_by_others(cast: Cast, minutes: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(60)]
    for export in exports:
        take_step(export)
    for export in exports[20:]:
        actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
    rate_limits.release_unused_slots()
    late = take_step(request_export(project, cast.member, "archive", allow_duplicate=True))
    assert late.next_step_at is not None
    assert (late.next_step_at - clock.now()).total_seconds() < 60.2


@pytest.mark.slow(seconds=7)
def test_a_paid_plans_limit_is_learned_from_the_headers(cast: Cast, minutes: Sandbox, origin_of: OriginOf) -> None:
    minutes.settings(limits=8)
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    take_step(request_export(project, cast.member, "archive"))
    row = RateWindow.objects.get(rate_class="strict")
    assert row.limit == 40
    taken = [take_step(request_export(project, cast.member, "archive", allow_duplicate=True)).status for _ in range(45)]
    assert taken.count(states.PROCESSING) == 39
    assert minutes.ledger()["rate_limited"].get(ARCHIVES, 0) == 0


@pytest.mark.slow(seconds=6)
def test_a_slot_whose_window_passed_is_taken_anew(cast: Cast, minutes: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(21)]
    for export in exports:
        take_step(export)
    last = Export.objects.get(pk=exports[-1].pk)
    assert last.rate_slot is not None
    minutes.settings(limits="off")  # the stand-in's window has not passed
    long_ago = clock.now() - timedelta(seconds=100)
    RateWindow.objects.update(window=50, next_slot=1000, opened_at=long_ago, started_at=long_ago)
    run_step(claim_next_step(last))
    last.refresh_from_db()
    assert last.status == states.PROCESSING


def test_nothing_is_sent_when_the_providers_window_may_be_over_before_ours(
    cast: Cast, minutes: Sandbox, origin_of: OriginOf
) -> None:
    """The first answer took 20 s, and the provider's window may have begun when the call left. A call after its end
    would be counted in the provider's next window, whose slots are all for later calls: six of 20 are many."""
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    take_step(request_export(project, cast.member, "archive"))
    RateWindow.objects.update(
        opened_at=clock.now() - timedelta(seconds=59.5),
        started_at=clock.now() - timedelta(seconds=39.5),
        next_slot=F("next_slot") + 5,
    )
    late = take_step(request_export(project, cast.member, "archive", allow_duplicate=True))
    assert late.status == states.WAITING
    assert late.next_step_at is not None
    assert 20 < (late.next_step_at - clock.now()).total_seconds() < 21
    assert late.rate_slot == RateWindow.objects.get(rate_class="strict").limit * 2


def test_where_little_is_used_the_next_window_begins_at_once_and_counts_both(
    cast: Cast, minutes: Sandbox, origin_of: OriginOf
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    take_step(request_export(project, cast.member, "archive"))
    row = RateWindow.objects.get(rate_class="strict")
    row.opened_at, row.started_at = (clock.now() - timedelta(seconds=ago) for ago in (59.5, 39.5))
    row.next_slot += 4
    row.save()
    sent = take_step(request_export(project, cast.member, "archive", allow_duplicate=True))
    assert sent.status == states.PROCESSING
    after = RateWindow.objects.get(rate_class="strict")
    assert (after.window, after.carried_calls) == (row.window + 1, 5)
    assert after.next_slot == after.window * after.limit + 6


def test_a_provider_without_published_limits_waits_for_nobody(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = take_step(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
    assert export.status == states.PROCESSING
    assert not RateWindow.objects.exists()
