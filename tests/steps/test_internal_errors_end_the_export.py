"""A step that raises an internal error is tried again a few times; then the export fails with a message."""

from collections.abc import Callable

import pytest
from django.db import OperationalError

from exports import states
from exports.models import Export
from exports.sandbox.server import Sandbox
from exports.steps import run
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_next_step, request_export, run_to_end, take_step

OriginOf = Callable[[str], str]


def break_polls(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int = 1000) -> None:
    """Makes the next `times` polls raise the error."""
    remaining = [times]
    original = run.STEP_HANDLERS[states.POLL]

    def broken(claim: object) -> None:
        if remaining[0] > 0:
            remaining[0] -= 1
            raise error
        original(claim)  # type: ignore[arg-type]

    monkeypatch.setitem(run.STEP_HANDLERS, states.POLL, broken)


def test_an_export_survives_a_few_internal_errors(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_polls(monkeypatch, KeyError("surprise"), times=3)
    export = run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
    assert export.status == states.SUCCEEDED


def test_repeated_internal_errors_end_the_export_without_detail(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_polls(monkeypatch, KeyError("a secret"))
    export = run_to_end(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "internal", "us")
    assert "KeyError" in export.error_message
    assert "secret" not in export.error_message


def test_a_database_that_is_away_leaves_the_step_to_its_lease(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = take_step(request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders"))
    break_polls(monkeypatch, OperationalError("gone"), times=1)
    with pytest.raises(OperationalError):
        take_step(export)
    Export.objects.update(held_until=None)
    assert run_to_end(export).status == states.SUCCEEDED


def test_a_step_in_which_workers_keep_dying_ends(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    for _ in range(run.MAX_CRASHES):
        claim_next_step(export)
        Export.objects.update(held_until=None)
    export = take_step(export)
    assert (export.status, export.error_code) == (states.FAILED, "internal")
    assert "died 20 times" in export.error_message


def test_workers_that_die_after_the_request_leave_in_doubt_whether_there_is_a_job(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = request_export(cast.project(TABLES, origin_of(TABLES)), cast.member, "orders")
    claim_next_step(export).write(request_sent_at=export.created_at, baseline={"last": 0})
    Export.objects.update(held_until=None)
    for _ in range(run.MAX_CRASHES):
        claim_next_step(export)
        Export.objects.update(held_until=None)
    export = take_step(export)
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "unconfirmed", "you")
    assert "it is not known whether there is a job" in export.error_message
