"""Every slot for downloads is taken by one that does not end, and polls go on all the same."""

import time
from collections.abc import Callable

import pytest

from exports import states
from exports.engine.crew import Crew
from exports.exporting import actions
from exports.models import Export
from exports.sandbox.server import Sandbox
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.run_exports import request_export

At = Callable[[str], str]
SLOTS = 8


def until(happens: Callable[[], bool], crew: Crew) -> None:
    """Waits for it."""
    ends = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < ends, [(lane.name, lane.free()) for lane in crew.lanes]
        time.sleep(0.05)


@pytest.mark.timeout(120)
@pytest.mark.django_db(transaction=True)
def test_exports_are_asked_for_and_polled_to_their_end_meanwhile(cast: Cast, sandbox: Sandbox, at: At) -> None:
    sandbox.fault(provider="ulule", project="*", on="file", fault="drip", seconds=60)
    crew = Crew("test", SLOTS, run_step)
    stuck = [
        request_export(cast.project("ulule", at("ulule"), remote_id), cast.member, "orders")
        for remote_id in ("4001", "4002", "4003")
    ]
    crew.start()
    try:
        until(lambda: crew.fetches.free() == 0, crew)
        until(lambda: Export.objects.filter(step=states.FETCH, held_until=None).exists(), crew)
        others = [
            request_export(cast.project("toloka", at("toloka"), remote_id), cast.member, "archive")
            for remote_id in ("30", "31", "32", "33")
        ]
        until(lambda: not Export.objects.open().filter(pk__in=[one.pk for one in others]).exists(), crew)
        assert crew.fetches.free() == 0
        assert {Export.objects.get(pk=one.pk).step for one in stuck} == {states.FETCH}
        assert {Export.objects.get(pk=one.pk).status for one in others} == {states.SUCCEEDED}
        assert min(Export.objects.filter(pk__in=[one.pk for one in others]).values_list("polls", flat=True)) > 0
    finally:
        for one in stuck:
            actions.cancel(Export.objects.get(pk=one.pk), actor="x@example.org", source="person")
        until(lambda: crew.fetches.free() == crew.fetches.slots, crew)
        crew.stop()
