"""The choice of what is next reads open exports alone, also where the planner still thinks that most are open."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from exports import clock, states
from exports.models import Export, Project
from exports.queue import fairness
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.row_copies import copies
from tests.helpers.run_exports import create_due_exports

pytestmark = pytest.mark.postgresql
FIRST_ID, EXPORTS = 10_001, 5_000


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no statistics that could be out of date.")
def test_statistics_from_before_the_exports_ended_do_not_matter(cast: Cast) -> None:
    project = cast.project(TABLES)
    [export] = create_due_exports(project, cast.member, 1, clock.seconds_from_now(-60))
    copies(Project, project, FIRST_ID, FIRST_ID + EXPORTS, remote_id="g::text")
    copies(Export, export, FIRST_ID, FIRST_ID + EXPORTS, project_id="g")
    # Each step of an export leaves an entry behind, so the index of open exports looks larger than that of all.
    for seconds in range(8):
        Export.objects.update(next_step_at=clock.seconds_from_now(-seconds))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE exports_export")
    kept = Export.objects.order_by("-pk").values_list("pk", flat=True)[:3]
    Export.objects.exclude(pk__in=list(kept)).update(
        status=states.CANCELED, step=states.NONE, next_step_at=None, finished_at=clock.now()
    )
    with CaptureQueriesContext(connection) as queries:
        found = fairness.candidates([states.SUBMIT], clock.now(), 10)
    assert {row[0] for row in found} == set(kept)
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF) " + queries[-1]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    passed = [int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert sum(passed) < EXPORTS / 10, plan
