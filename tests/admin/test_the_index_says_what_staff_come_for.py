"""The admin site's index: figures over all teams, in a bounded number of queries, by the person's permissions."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exports.metrics import backlog, disk, quotas
from exports.metrics.failures import failures_by_provider
from exports.metrics.undelivered import undelivered_messages
from exports.models import Export, Heartbeat, OpenCircuit, OutboxMessage, RateLimitPause, Team
from exports.notify.fan_out import fan_out
from tests.admin.conftest import staff_with
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

INDEX = "/admin/"


@pytest.fixture
def unwell(cast: Cast) -> Export:
    """Something of everything that the index tells; returns the export that is stuck."""
    now = timezone.now()
    stuck = factories.processing_export(cast)
    factories.waiting_export(cast, allow_duplicate=True)
    factories.failed_export(cast, "no_file", allow_duplicate=True)
    Export.objects.filter(pk=stuck.pk).update(next_step_at=now - timedelta(hours=3), crash_count=2)
    Heartbeat.record("worker:near@host", queues=["portal.submit", "portal.control"], slots=4, busy=3)
    Heartbeat.record("worker:far@host", queues=["portal.poll"], slots=8)
    Heartbeat.objects.filter(name="worker:far@host").update(at=now - timedelta(minutes=40))
    OpenCircuit.objects.create(origin="https://down.example", since=now - timedelta(minutes=5), until=now)
    RateLimitPause.extend(stuck.project.credential_id, "exports", now + timedelta(minutes=9), "429")
    Team.objects.filter(pk=cast.other_team.pk).update(kept_bytes=90, quota_bytes=100)
    fan_out()
    OutboxMessage.objects.update(due_at=None, attempts=40, last_error="550")
    return stuck


def test_the_index_answers_every_question_in_few_queries(
    as_staff: Client, unwell: Export, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(12):
        page = as_staff.get(INDEX).content.decode()
    text = " ".join(page.split())
    for words in (
        "No worker reads portal.poll, portal.fetch, portal.deliver",
        "No beat is running",
        "3 of 4 slots busy",
        "near@host",
        "40 min ago",
        f"#{unwell.pk}</a>",
        "https://down.example",
        "Not answering",
        "Rate limit: exports",
        "Other Team",
        "90 % full",
        "<code>no_file</code>",
        "Disk free",
    ):
        assert words in text, words


def test_a_quiet_portal_is_said_to_be_well(as_staff: Client, cast: Cast) -> None:
    Heartbeat.record(
        "worker:one", queues=["portal." + name for name in ("submit", "poll", "fetch", "deliver", "control")]
    )
    Heartbeat.record("beat:one:1")
    page = as_staff.get(INDEX).content.decode()
    for words in ("Every queue is read", "Nothing is stuck", "No export failed", "Everything was delivered"):
        assert words in page, words
    assert "banner bad" not in page


def test_staff_see_only_what_their_permissions_say(unwell: Export) -> None:
    client = staff_with("view_team")
    page = client.get(INDEX).content.decode()
    assert "Teams near their quota" in page
    for words in (
        "Stuck",
        "Failures by provider",
        "near@host",
        "Not answering",
        "Undelivered",
        "/admin/exports/export/",
    ):
        assert words not in page, words
    assert client.get("/admin/exports/export/").status_code == 403


def test_due_steps_are_counted_by_kind(cast: Cast) -> None:
    late, held = factories.processing_export(cast), factories.processing_export(cast, allow_duplicate=True)
    now = timezone.now()
    Export.objects.filter(pk__in=[late.pk, held.pk]).update(next_step_at=now - timedelta(minutes=1))
    Export.objects.filter(pk=held.pk).update(held_until=now + timedelta(minutes=1))
    due = backlog.due_steps()
    assert {step.step: step.count for step in due.steps} == {"submit": 0, "poll": 1, "fetch": 0}
    assert due.oldest_at == now - timedelta(minutes=1)


def test_an_export_is_stuck_when_nobody_takes_it_or_workers_die_of_it(cast: Cast) -> None:
    overdue, crashed, waits = (factories.processing_export(cast, allow_duplicate=True) for _ in range(3))
    Export.objects.filter(pk=overdue.pk).update(next_step_at=timezone.now() - backlog.STUCK_AFTER * 2)
    Export.objects.filter(pk=crashed.pk).update(crash_count=1)
    assert [export.pk for export in backlog.stuck_exports(9)] == [overdue.pk, crashed.pk]
    assert waits.is_open


@pytest.mark.parametrize(
    ("claims", "held", "reserved", "crashes"),
    [(1, True, False, 0), (1, True, True, 1), (1, False, False, 1), (2, True, False, 1), (0, True, True, 0)],
)
def test_a_step_under_way_is_no_crash(cast: Cast, claims: int, held: bool, reserved: bool, crashes: int) -> None:
    export = factories.processing_export(cast)
    until = timezone.now() + timedelta(seconds=10 if held else -10)
    Export.objects.filter(pk=export.pk).update(
        crash_count=claims, held_until=until, reserved=reserved, next_step_at=timezone.now()
    )
    export.refresh_from_db()
    assert backlog.count_crashes(export, timezone.now()) == crashes
    assert backlog.seems_stuck(export, timezone.now()) == bool(crashes)
    assert [row.pk for row in backlog.stuck_exports(9)] == [export.pk] * bool(crashes)


def test_failures_are_counted_by_day_week_and_code(cast: Cast) -> None:
    ages = (timedelta(hours=1), timedelta(days=3), timedelta(days=9))
    for age in ages:
        export = factories.failed_export(cast, allow_duplicate=True)
        Export.objects.filter(pk=export.pk).update(finished_at=timezone.now() - age)
    [entry] = failures_by_provider()
    assert (entry.provider, entry.last_day, entry.last_week) == (TABLES, 1, 2)
    assert entry.common_codes == [("rejected", 2)]


def test_messages_that_were_given_up_long_ago_are_not_told(unwell: Export) -> None:
    [entry] = undelivered_messages()
    assert (entry.kind, entry.waiting, entry.given_up) == ("mail", 0, 1)
    OutboxMessage.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert undelivered_messages() == []


def test_teams_near_their_quota_come_fullest_first(cast: Cast) -> None:
    Team.objects.filter(pk=cast.team.pk).update(kept_bytes=80, quota_bytes=100)
    Team.objects.filter(pk=cast.other_team.pk).update(kept_bytes=100, quota_bytes=100)
    assert quotas.teams_near_quota(9) == [cast.other_team, cast.team]
    assert [quotas.percent_kept(team) for team in quotas.teams_near_quota(9)] == [100, 80]


@pytest.mark.parametrize(("free", "is_low"), [(disk.MIN_FREE_BYTES, False), (disk.MIN_FREE_BYTES - 1, True)])
def test_a_disk_without_room_is_low(free: int, is_low: bool) -> None:
    assert disk.DiskRoom(10**12, free).is_low is is_low
