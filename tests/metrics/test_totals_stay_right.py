"""Totals are raised in the statement of what they count, summed up without falling, and set right once a night."""

from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports.models import Call, Export, Rollup
from exports.models.rollup import ANSWERS, EXPORTS, answer_class
from exports.queue import batch_sql
from exports.queue.deferred_calls import free_slot
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

KEY = f"{TABLES}|orders|"


def of_status(status: str) -> int:
    return Rollup.totals().get((EXPORTS, f"{KEY}{status}"), (0, 0.0))[0]


def some_calls(cast: Cast, *statuses: int | None) -> list[Call]:
    credential = cast.project(TABLES).credential
    more = {"method": "GET", "url": "https://x.example/", "seconds": 0.1, "at": credential.created_at}
    return [Call(credential=credential, status=status, **more) for status in statuses]


@pytest.mark.postgresql
def test_summing_up_changes_no_total(cast: Cast) -> None:
    for _ in range(3):
        factories.failed_export(cast)
    before, rows = Rollup.totals(), Rollup.objects.count()
    Rollup.compact()
    assert Rollup.totals() == before
    assert Rollup.objects.count() == len(before) < rows


@pytest.mark.postgresql
def test_a_move_that_does_not_happen_counts_nothing(cast: Cast) -> None:
    export = factories.processing_export(cast)
    other = Export.objects.get(pk=export.pk)
    assert export.move("canceled", source="person")
    assert not other.move("failed", source="poll", error_code="rejected", error_action="you")
    assert (of_status("processing"), of_status("canceled"), of_status("failed")) == (0, 1, 0)


@pytest.mark.postgresql
def test_what_went_wrong_is_set_right_by_the_nightly_count(cast: Cast) -> None:
    factories.failed_export(cast)
    Rollup.objects.create(series=EXPORTS, key=f"{KEY}failed", count=40)
    Rollup.objects.create(series=ANSWERS, key=f"{TABLES}|2xx", count=3)
    Rollup.recount_exports()
    assert of_status("failed") == 1
    assert Rollup.totals()[ANSWERS, f"{TABLES}|2xx"][0] == 3


@pytest.mark.postgresql
def test_a_task_that_ends_counts_the_answers_to_its_calls(cast: Cast) -> None:
    free_slot("task", some_calls(cast, 200, 200, 429, None))
    totals = {key: count for (series, key), (count, _) in Rollup.totals().items() if series == ANSWERS}
    assert totals == {f"{TABLES}|2xx": 2, f"{TABLES}|429": 1, f"{TABLES}|none": 1}
    assert Call.objects.count() == 4


@pytest.mark.postgresql
def test_totals_cost_no_statement_of_their_own(cast: Cast) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no statements within statements.")
    connection.ensure_connection()
    with patch.object(batch_sql, "_execute", wraps=batch_sql._execute) as executed:
        free_slot("task", some_calls(cast, 200, 429))
    assert executed.call_count == 1
    export = factories.processing_export(cast)
    with CaptureQueriesContext(connection) as captured:
        export.move("canceled", source="person")
    counting = [query["sql"] for query in captured if "exports_rollup" in query["sql"]]
    assert len(counting) == 1
    assert "INSERT INTO exports_change" in counting[0]


@pytest.mark.parametrize(
    ("status", "word"),
    [(200, "2xx"), (304, "3xx"), (404, "4xx"), (429, "429"), (503, "5xx"), (None, "none"), (999, "none")],
)
def test_answers_have_six_classes(status: int | None, word: str) -> None:
    assert answer_class(status) == word
