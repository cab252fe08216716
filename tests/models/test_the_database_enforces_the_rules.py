"""Only the moves of the table of states are possible, also by raw SQL, and the history is append-only."""

import itertools
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from exports import clock, states
from exports.models import Change, Export
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import request_export

PAIRS = list(itertools.product(states.STATUSES, states.STATUSES))


def at_status(cast: Cast, status: str) -> Export:
    """An export that got there by legal moves."""
    export = request_export(cast.project(CHANGING), cast.member, "archive")
    if status == states.PROCESSING:
        export.move(states.PROCESSING, source="worker", step=states.POLL)
    elif status != states.WAITING:
        reason: dict[str, Any] = {"error_code": "internal", "error_action": "us"} if status == states.FAILED else {}
        export.move(status, source="worker", **reason)
    return export


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_move_succeeds_exactly_where_the_table_allows_it(cast: Cast, old: str, new: str) -> None:
    export = at_status(cast, old)
    rows = Change.objects.filter(export=export).count()
    reason: dict[str, Any] = {"error_code": "internal", "error_action": "us"} if new == states.FAILED else {}
    step: dict[str, Any] = {"step": states.POLL} if new == states.PROCESSING else {}
    if states.may_transition(old, new):
        assert export.move(new, source="worker", **reason, **step)
        assert Change.objects.filter(export=export).count() == rows + 1
    else:
        with pytest.raises(states.IllegalTransitionError):
            export.move(new, source="worker", **reason, **step)
        assert Change.objects.filter(export=export).count() == rows


def test_a_move_from_an_outdated_state_changes_nothing(cast: Cast) -> None:
    export = at_status(cast, states.WAITING)
    stale = Export.objects.get(pk=export.pk)
    assert export.move(states.CANCELED, source="person")
    assert not stale.move(states.PROCESSING, source="worker", step=states.POLL)
    assert Change.objects.filter(export=export).count() == 2


@pytest.mark.parametrize(
    "values",
    [
        {"status": "done"},
        {"status": "succeeded"},
        {"status": "failed"},
        {"finished_at": "2026-01-01 00:00:00+00:00"},
        {"next_step_at": None},
        {"step": "none"},
        {"error_code": "internal"},
        {"step": "fetch"},
    ],
    ids=str,
)
def test_raw_sql_that_breaks_a_rule_is_refused(cast: Cast, values: dict[str, Any]) -> None:
    export = at_status(cast, states.WAITING)
    names = ", ".join(f"{name} = %s" for name in values)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE exports_export SET {names} WHERE id = %s", [*values.values(), export.pk])  # noqa: S608


def test_an_export_with_a_file_format_does_not_succeed_without_a_file(cast: Cast) -> None:
    export = request_export(cast.project(TABLES), cast.member, "orders")
    export.move(states.PROCESSING, source="worker", step=states.POLL)
    with pytest.raises(IntegrityError), transaction.atomic():
        export.move(states.SUCCEEDED, source="worker")


def test_history_is_never_edited_or_deleted(cast: Cast) -> None:
    row = Change.objects.filter(export=at_status(cast, states.CANCELED)).last()
    row.note = "another story"
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        Change.objects.create(
            export=row.export, seq=row.seq, from_status=None, to_status="waiting", at=clock.now(), source="worker"
        )


def test_an_ended_export_has_one_event_and_history_is_contiguous(cast: Cast) -> None:
    export = at_status(cast, states.FAILED)
    [event] = export.event_set.all()
    assert (event.type, event.project_id, event.at) == ("export.failed", export.project_id, export.finished_at)
    rows = list(Change.objects.filter(export=export).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert all(later.from_status == earlier.to_status for earlier, later in itertools.pairwise(rows))
