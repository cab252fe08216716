"""The database refuses every change of a status by raw SQL that would leave a row inconsistent."""

import itertools
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from exports import clock, states
from exports.models import Export, File
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export

pytestmark = pytest.mark.postgresql

PAIRS = [pair for pair in itertools.product(states.STATUSES, states.STATUSES) if pair[0] != pair[1]]
# A status alone can be exchanged where nothing else in the row would have to change with it: both words say the same
# of the file, the reason and the next step. All else is refused.
SAME_SHAPE = {(states.WAITING, states.PROCESSING), (states.PROCESSING, states.WAITING)}


def an_export(cast: Cast, status: str) -> Export:
    """An export with a file to bring, which got there by legal moves."""
    export = request_export(cast.project(TABLES), cast.member, "orders")
    if status in (states.PROCESSING, states.SUCCEEDED):
        assert export.move(states.PROCESSING, source="worker", step=states.POLL)
    if status == states.SUCCEEDED:
        file = File.objects.create(
            team=cast.team,
            name="a.csv",
            size=1,
            sha256="0" * 64,
            content_type="text/csv",
            path="1/1/a.csv",
            verified_at=clock.now(),
        )
        assert export.move(status, source="worker", file=file)
    elif status == states.FAILED:
        assert export.move(status, source="worker", error_code="internal", error_action="us")
    elif status == states.CANCELED:
        assert export.move(status, source="person")
    return export


def write(export: Export, **values: Any) -> None:
    """Past every rule of ours, straight into the table."""
    names = ", ".join(f"{name} = %s" for name in values)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE exports_export SET {names} WHERE id = %s", [*values.values(), export.pk])  # noqa: S608


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_a_change_of_the_status_alone_is_refused_unless_the_row_stays_consistent(
    cast: Cast, old: str, new: str
) -> None:
    export = an_export(cast, old)
    if (old, new) in SAME_SHAPE:
        write(export, status=new)
    else:
        with pytest.raises(IntegrityError):
            write(export, status=new)
        assert Export.objects.get(pk=export.pk).status == old


@pytest.mark.parametrize("status", sorted(states.OPEN))
@pytest.mark.parametrize(
    "values",
    [{"next_step_at": None}, {"step": states.NONE}, {"step": "wait"}, {"error_code": "internal"}, {"finished_at": 1}],
    ids=str,
)
def test_an_open_row_has_a_next_step_and_no_error(cast: Cast, status: str, values: dict[str, Any]) -> None:
    export = an_export(cast, status)
    with pytest.raises(IntegrityError):
        write(export, **{name: clock.now() if value == 1 else value for name, value in values.items()})


@pytest.mark.parametrize("status", sorted(states.ENDED))
@pytest.mark.parametrize(
    "values", [{"next_step_at": 1}, {"step": states.POLL}, {"finished_at": None}, {"status": "done"}], ids=str
)
def test_an_ended_row_stays_ended(cast: Cast, status: str, values: dict[str, Any]) -> None:
    export = an_export(cast, status)
    with pytest.raises(IntegrityError):
        write(export, **{name: clock.now() if value == 1 else value for name, value in values.items()})


def test_only_succeeded_rows_have_a_file_and_only_failed_rows_an_error(cast: Cast) -> None:
    succeeded, failed = an_export(cast, states.SUCCEEDED), an_export(cast, states.FAILED)
    for export, values in (
        (succeeded, {"file_id": None}),
        (succeeded, {"error_code": "internal", "error_action": "us"}),
        (failed, {"error_code": ""}),
        (failed, {"error_code": "bad luck"}),
        (failed, {"error_action": "nobody"}),
        (failed, {"file_id": succeeded.file_id}),
    ):
        with pytest.raises(IntegrityError):
            write(export, **values)
