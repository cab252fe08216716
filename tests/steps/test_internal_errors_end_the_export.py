"""A fault of the portal's own is tried again a few times, and then it is said; nothing loops for ever in silence."""

from collections.abc import Callable

import pytest
from django.db import OperationalError

from exports import states
from exports.models import Export
from exports.sandbox.server import Sandbox
from exports.steps import run as advancing
from tests.helpers.cast import Cast
from tests.helpers.run_exports import claim_next_step, request_export, run_to_end, take_step

OriginOf = Callable[[str], str]


def break_polls(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int = 1000) -> None:
    """The next polls raise this."""
    left = [times]
    good = advancing.STEP_HANDLERS[states.POLL]

    def broken(claim: object) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise error
        good(claim)  # type: ignore[arg-type]

    monkeypatch.setitem(advancing.STEP_HANDLERS, states.POLL, broken)


def test_a_passing_fault_is_survived(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_polls(monkeypatch, KeyError("surprise"), times=3)
    export = run_to_end(request_export(cast.project("ulule", origin_of("ulule")), cast.member, "orders"))
    assert export.status == states.SUCCEEDED


def test_a_lasting_fault_ends_with_its_kind_and_no_detail(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_polls(monkeypatch, KeyError("a secret"))
    export = run_to_end(request_export(cast.project("ulule", origin_of("ulule")), cast.member, "orders"))
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "internal", "us")
    assert "KeyError" in export.error_message
    assert "secret" not in export.error_message


def test_a_database_that_is_away_leaves_the_step_to_its_lease(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = take_step(request_export(cast.project("ulule", origin_of("ulule")), cast.member, "orders"))
    break_polls(monkeypatch, OperationalError("gone"), times=1)
    with pytest.raises(OperationalError):
        take_step(export)
    Export.objects.update(held_until=None)
    assert run_to_end(export).status == states.SUCCEEDED


def test_a_step_in_which_workers_keep_dying_ends(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = request_export(cast.project("ulule", origin_of("ulule")), cast.member, "orders")
    for _ in range(advancing.MAX_CRASHES):
        claim_next_step(export)
        Export.objects.update(held_until=None)
    export = take_step(export)
    assert (export.status, export.error_code) == (states.FAILED, "internal")
    assert "died 20 times" in export.error_message
