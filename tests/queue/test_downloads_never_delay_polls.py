"""Polls go on while downloads that do not end take every slot that downloads may have."""

import time
from collections.abc import Callable

import pytest

from exports import clock, states
from exports.exporting import actions
from exports.models import Export, Reservation
from exports.queue.capacity import FETCH
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.worker import running_worker

OriginOf = Callable[[str], str]
SLOTS = 4


def wait_until(condition: Callable[[], bool]) -> None:
    """Waits until the condition is true; fails after a minute."""
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, list(Reservation.objects.values_list("queue", "until"))
        time.sleep(0.05)


def slots_in_use() -> int:
    """The number of slots that downloads take."""
    return Reservation.objects.filter(queue=FETCH, until__gt=clock.now()).count()


@pytest.mark.slow(seconds=9)
@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_exports_are_requested_and_polled_to_their_end_meanwhile(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    sandbox.fault(provider=TABLES, project="*", on="file", fault="drip", seconds=600)
    stuck = [
        request_export(cast.project(TABLES, origin_of(TABLES), remote_id), cast.member, "orders")
        for remote_id in ("4001", "4002", "4003")
    ]
    with running_worker(SLOTS):
        wait_until(lambda: slots_in_use() == SLOTS // 2)
        wait_until(lambda: Export.objects.filter(step=states.FETCH, held_until=None).exists())
        others = [
            request_export(cast.project(CHANGING, origin_of(CHANGING), remote_id), cast.member, "archive")
            for remote_id in ("30", "31", "32", "33")
        ]
        wait_until(lambda: not Export.objects.open().filter(pk__in=[export.pk for export in others]).exists())
        assert slots_in_use() == SLOTS // 2
        assert {Export.objects.get(pk=export.pk).step for export in stuck} == {states.FETCH}
        assert {Export.objects.get(pk=export.pk).status for export in others} == {states.SUCCEEDED}
        assert min(Export.objects.filter(pk__in=[export.pk for export in others]).values_list("polls", flat=True)) > 0
        for export in stuck:
            actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
        wait_until(lambda: slots_in_use() == 0)
