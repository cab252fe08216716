"""/metrics has each documented family, and its values are what the portal did."""

import re
from datetime import timedelta

import pytest

from exports import clock
from exports.models import Export, Heartbeat, OutboxMessage, Project, Reservation, Rollup
from exports.models.rollup import SENT, insert_sql, step_row
from exports.queue.batch_sql import insert_many
from exports.queue.capacity import FETCH, QUEUES, SUBMIT
from exports.sandbox.server import Sandbox
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.processes import ROOT
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export, run_to_end
from tests.metrics.scraping import scrape, value

DOCUMENTED = {
    "portal_exports": {"provider", "kind", "status"},
    "portal_due_steps": {"step"},
    "portal_lag_seconds": {"step"},
    "portal_step_seconds": {"step", "le"},
    "portal_provider_answers": {"provider", "class"},
    "portal_queue_messages": {"queue"},
    "portal_queue_readers": {"queue"},
    "portal_last_seen_seconds": {"node"},
    "portal_last_run_timestamp_seconds": {"task"},
    "portal_last_good_timestamp_seconds": {"project"},
    "portal_overdue_projects": {"team"},
    "portal_files": set(),
    "portal_file_bytes": set(),
    "portal_deliveries": {"state"},
    "portal_scrape_seconds": set(),
}


@pytest.mark.postgresql
@pytest.mark.django_db
def test_each_family_is_there_with_its_labels_and_no_other(cast: Cast) -> None:
    families = scrape()
    assert set(families) == set(DOCUMENTED)
    for name, family in families.items():
        assert all(set(one.labels) <= DOCUMENTED[name] for one in family.samples), name
        assert family.documentation, name


def test_the_page_for_operators_lists_each_family() -> None:
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(portal_\w+?)(?:_total)?(?:\{[\w,]+\})?` \|", page, re.MULTILINE))
    assert listed == set(DOCUMENTED)


@pytest.mark.postgresql
def test_exports_are_counted_by_status(cast: Cast) -> None:
    factories.succeeded_export(cast)
    factories.failed_export(cast)
    factories.processing_export(cast, allow_duplicate=True)
    factories.waiting_export(cast, allow_duplicate=True)
    families = scrape()
    for status in ("waiting", "processing", "succeeded", "failed"):
        assert value(families, "portal_exports", provider=TABLES, kind="orders", status=status) == 1, status
    assert value(families, "portal_files") == 1
    assert value(families, "portal_file_bytes") == len(factories.ORDERS_CSV)


@pytest.mark.postgresql
def test_answers_of_providers_are_counted_by_class(cast: Cast, sandbox: Sandbox) -> None:
    export = run_to_end(request_export(cast.project(TABLES, origin=sandbox.origin(TABLES)), cast.member, "orders"))
    assert export.status == "succeeded"
    families = scrape()
    calls = export.call_set.filter(credential__isnull=False).count()
    assert value(families, "portal_provider_answers", provider=TABLES, **{"class": "2xx"}) == calls > 1
    assert value(families, "portal_provider_answers", provider=TABLES, **{"class": "5xx"}) is None


@pytest.mark.postgresql
def test_due_steps_and_their_lag_are_what_waits_for_a_worker(cast: Cast) -> None:
    export = factories.waiting_export(cast)
    Export.objects.filter(pk=export.pk).update(next_step_at=clock.now() - timedelta(minutes=5))
    families = scrape()
    assert value(families, "portal_due_steps", step="submit") == 1
    assert value(families, "portal_due_steps", step="fetch") == 0
    assert 300 <= (value(families, "portal_lag_seconds", step="submit") or 0) < 310
    assert value(families, "portal_lag_seconds", step="poll") == 0


@pytest.mark.django_db
def test_queues_and_nodes_are_those_of_now() -> None:
    Heartbeat.record("worker:one@host", queues=[SUBMIT], slots=4)
    Heartbeat.objects.create(name="worker:gone@host", at=clock.now() - timedelta(hours=1), queues=list(QUEUES), slots=4)
    Reservation.objects.create(task_id="a", queue=SUBMIT, until=clock.seconds_from_now(5))
    Reservation.objects.create(task_id="b", queue=FETCH, until=clock.seconds_from_now(-5))
    families = scrape()
    assert value(families, "portal_queue_messages", queue=SUBMIT) == 1
    assert value(families, "portal_queue_messages", queue=FETCH) == 0
    assert value(families, "portal_queue_readers", queue=SUBMIT) == 1
    assert value(families, "portal_queue_readers", queue=FETCH) == 0
    assert (value(families, "portal_last_seen_seconds", node="worker:gone@host") or 0) >= 3600


@pytest.mark.postgresql
def test_freshness_is_told_by_project_and_team(cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    Project.objects.filter(pk=export.project_id).update(
        last_good_at=clock.now() - timedelta(hours=5), fresh_within_hours=1
    )
    families = scrape()
    at = value(families, "portal_last_good_timestamp_seconds", project=str(export.project_id))
    assert at == pytest.approx((clock.now() - timedelta(hours=5)).timestamp(), abs=10)
    assert value(families, "portal_overdue_projects", team=cast.team.slug) == 1


@pytest.mark.postgresql
def test_deliveries_are_told_by_state(cast: Cast) -> None:
    for key, due_at in (("a", clock.now()), ("b", None), ("c", None)):
        OutboxMessage.objects.create(team=cast.team, kind="relay", key=key, due_at=due_at)
    insert_many([], *insert_sql([Rollup(series=SENT, key="", count=7)]))
    families = scrape()
    assert [value(families, "portal_deliveries", state=state) for state in ("waiting", "failed", "sent")] == [1, 2, 7]


@pytest.mark.django_db
def test_times_of_steps_are_a_histogram() -> None:
    insert_many([], *insert_sql([step_row("poll", seconds) for seconds in (0.05, 0.3, 0.4, 5000)]))
    families = scrape()
    buckets = {
        one.labels["le"]: one.value
        for one in families["portal_step_seconds"].samples
        if one.labels["step"] == "poll" and one.name.endswith("_bucket")
    }
    assert (buckets["0.1"], buckets["0.5"], buckets["1800.0"], buckets["+Inf"]) == (1, 3, 3, 4)
    assert value(families, "portal_step_seconds", "portal_step_seconds_sum", step="poll") == 5000.75
