"""After an export was canceled, a step that is still running changes nothing, whatever its result."""

from collections.abc import Callable

import pytest

from exports import states
from exports.exporting import actions
from exports.models import Export
from exports.sandbox.server import Sandbox
from exports.steps import run as advancing
from exports.steps.run import run_step
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.run_exports import claim_next_step, request_export, take_step

OriginOf = Callable[[str], str]


def test_an_internal_error_does_not_fail_a_canceled_export(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")

    def broken(claim: object) -> None:
        if last:
            actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
        raise KeyError("surprise")

    monkeypatch.setitem(advancing.STEP_HANDLERS, states.SUBMIT, broken)
    last = False
    for _ in range(advancing.MAX_INTERNAL_ERRORS - 1):
        take_step(export)
    last = True
    run_step(claim_next_step(export))
    export.refresh_from_db()
    assert export.status == states.CANCELED


def test_a_step_of_a_canceled_export_changes_nothing_however_often_it_runs(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while take_step(export).step != states.FETCH:
        pass
    claim = claim_next_step(export)
    actions.cancel(Export.objects.get(pk=export.pk), actor="x@example.org", source="person")
    run_step(claim)
    sandbox.fault(provider=ARCHIVES, project="100001", on="file", fault="dead_for_good")
    run_step(claim)
    export.refresh_from_db()
    assert export.status == states.CANCELED
