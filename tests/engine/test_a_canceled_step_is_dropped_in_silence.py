"""Whoever cancels in the middle of a step that goes wrong has the last word; the worker has nothing to say."""

from collections.abc import Callable

import pytest

from exports import states
from exports.engine import advance as advancing
from exports.engine import end
from exports.engine.advance import advance
from exports.models import Export
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, claim_one, step

At = Callable[[str], str]


def test_a_lasting_fault_of_ours_does_not_fail_what_was_canceled(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = ask(cast.project("ulule"), cast.member, "orders")

    def broken(claim: object) -> None:
        if last:
            end.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
        raise KeyError("surprise")

    monkeypatch.setitem(advancing.STEPS, states.SUBMIT, broken)
    last = False
    for _ in range(advancing.MOST_STUMBLES - 1):
        step(export)
    last = True
    advance(claim_one(export))
    export.refresh_from_db()
    assert export.status == states.CANCELED


def test_a_claim_that_was_dropped_once_is_dropped_again(cast: Cast, box: Sandbox, at: At) -> None:
    export = ask(cast.project("playcanvas", at("playcanvas")), cast.member, "archive")
    while step(export).step != states.FETCH:
        pass
    claim = claim_one(export)
    end.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
    advance(claim)
    box.fault(provider="playcanvas", project="100001", on="file", fault="dead_for_good")
    advance(claim)
    export.refresh_from_db()
    assert export.status == states.CANCELED
