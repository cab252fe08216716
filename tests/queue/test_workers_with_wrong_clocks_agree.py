"""A worker whose clock is an hour off agrees with the others on what is due, on leases, pauses and the history."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import connection

from exports import clock, states
from exports.models import Change, Export, RateLimitPause
from exports.queue import inbound_webhooks
from exports.queue.leases import renew
from exports.settle.outcome import postpone
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import EVERY_STEP, claim_due, request_export

pytestmark = pytest.mark.postgresql

HOUR = timedelta(hours=1)
Off = Callable[[timedelta], AbstractContextManager[None]]
BOTH_WAYS = pytest.mark.parametrize("off", [-HOUR, HOUR], ids=["an hour behind", "an hour ahead"])


class _DatabaseClock:
    """The database's clock, where the database of this test has none of its own."""

    def __init__(self, true: Callable[[], datetime]) -> None:
        self.vendor = "postgresql"
        self.true = true

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        yield SimpleNamespace(execute=lambda statement: None, fetchone=lambda: [self.true()])


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Off:
    """`with worker(HOUR):` runs its block as on a machine whose clock is an hour ahead of the database's."""

    @contextmanager
    def on_a_machine(off: timedelta) -> Iterator[None]:
        with time_machine.travel(datetime.now(UTC) + off, tick=True), monkeypatch.context() as patched:
            patched.setattr(clock, "_database_offset", timedelta(0))
            if connection.vendor != "postgresql":
                patched.setattr(clock, "connection", _DatabaseClock(lambda: datetime.now(UTC) - off))
            clock.sync_with_database()
            yield

    return on_a_machine


@BOTH_WAYS
def test_a_worker_learns_the_databases_time(db: None, worker: Off, off: timedelta) -> None:
    true = datetime.now(UTC)
    with worker(off):
        assert abs(datetime.now(UTC) - true - off) < timedelta(seconds=5)
        assert abs(clock.now() - true) < timedelta(seconds=5)


def test_clocks_that_agree_are_left_alone(db: None, worker: Off) -> None:
    with worker(timedelta(seconds=0.01)):
        assert clock._database_offset == timedelta(0)


@BOTH_WAYS
def test_claims_of_others_are_not_stolen(cast: Cast, worker: Off, off: timedelta) -> None:
    request_export(cast.project(TABLES), cast.member, "orders")
    [claim] = claim_due(EVERY_STEP, 10)
    with worker(off):
        assert claim_due(EVERY_STEP, 10) == []
    claim.settle(wait_note="it stood")


@BOTH_WAYS
def test_its_claims_last_as_long_as_those_of_others(cast: Cast, worker: Off, off: timedelta) -> None:
    request_export(cast.project(TABLES), cast.member, "orders")
    with worker(off):
        [claim] = claim_due(EVERY_STEP, 10)
        renew([claim])
        claim.check()
    assert claim_due(EVERY_STEP, 10) == []
    lease = Export.objects.get().held_until - clock.now()
    assert timedelta(seconds=5) < lease < timedelta(seconds=11)


@BOTH_WAYS
def test_it_agrees_on_what_is_due(cast: Cast, worker: Off, off: timedelta) -> None:
    due = request_export(cast.project(TABLES), cast.member, "orders")
    later = request_export(cast.project(TABLES, remote_id="4002"), cast.member, "orders")
    Export.objects.filter(pk=later.pk).update(next_step_at=clock.seconds_from_now(120))
    with worker(off):
        assert [claim.export.pk for claim in claim_due(EVERY_STEP, 10)] == [due.pk]


@BOTH_WAYS
def test_what_it_postpones_is_due_at_the_planned_time(cast: Cast, worker: Off, off: timedelta) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    with worker(off):
        [claim] = claim_due(EVERY_STEP, 10)
        postpone(claim, 60)
    export.refresh_from_db()
    assert timedelta(seconds=50) < export.next_step_at - clock.now() < timedelta(seconds=61)
    inbound_webhooks.request_wake(export.pk)
    with worker(off):
        assert len(claim_due(EVERY_STEP, 10)) == 1


@BOTH_WAYS
def test_a_pause_is_as_long_for_it_as_for_others(cast: Cast, worker: Off, off: timedelta) -> None:
    paused, free = cast.project(TABLES).credential, cast.project(CHANGING).credential
    RateLimitPause.extend(paused.pk, "", clock.seconds_from_now(60), "Too many.")
    RateLimitPause.extend(free.pk, "", clock.seconds_from_now(-60), "That was before.")
    with worker(off):
        assert set(RateLimitPause.in_force([paused.pk, free.pk], "normal")) == {paused.pk}


@BOTH_WAYS
def test_times_in_the_history_are_in_order(cast: Cast, worker: Off, off: timedelta) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    with worker(off):
        Export.objects.get(pk=export.pk).move(states.PROCESSING, source="worker", step=states.POLL)
    Export.objects.get(pk=export.pk).move(states.CANCELED, source="person")
    times = list(Change.objects.order_by("seq").values_list("at", flat=True))
    assert times == sorted(times)
    assert times[-1] - times[0] < timedelta(minutes=1)
