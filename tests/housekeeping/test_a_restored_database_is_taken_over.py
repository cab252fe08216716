"""`take_over_restored`: what waited in the copy is not sent again in a flood, and numbers are not given out twice."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from exports import clock, states
from exports.housekeeping.after_restore import IDS_AHEAD, take_over_restored
from exports.models import (
    DatabaseIdentity,
    Event,
    Export,
    Heartbeat,
    OutboxMessage,
    RateLimitPause,
    RateWindow,
    Schedule,
    ScheduleRun,
    Webhook,
)
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import claim_next_step, request_export
from tests.helpers.schedules import make_schedule, run_all

pytestmark = pytest.mark.postgresql


def message(cast: Cast, kind: str, **more: object) -> OutboxMessage:
    return OutboxMessage.objects.create(team=cast.team, kind=kind, key=kind, due_at=clock.now(), **more)


def test_mails_and_alerts_that_waited_are_given_up_and_webhooks_are_not(cast: Cast) -> None:
    hook = Webhook.objects.create(team=cast.team)
    mail, alert, webhook = message(cast, "mail"), message(cast, "alert"), message(cast, "webhook", webhook=hook)
    assert take_over_restored().messages == 2
    for one in (mail, alert, webhook):
        one.refresh_from_db()
    assert [one.state for one in (mail, alert, webhook)] == ["failed", "failed", "waiting"]
    assert "restored from a copy" in mail.last_error


def test_events_that_the_copy_has_just_seen_are_fanned_out_before(cast: Cast) -> None:
    Event.record(cast.team.pk, "team.quota", "one", percent=80)
    take_over_restored()
    assert not Event.objects.filter(fanned_out_at=None).exists()
    assert not OutboxMessage.objects.filter(kind="mail", due_at__isnull=False).exists()


def test_planned_times_that_have_passed_are_not_used(cast: Cast) -> None:
    schedule = make_schedule(cast.project(TABLES, TABLES.provider.origins["production"]), cast.member, "0 * * * *")
    passed = clock.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=passed, ask_at=passed)
    assert take_over_restored().schedules == 1
    run_all()
    schedule.refresh_from_db()
    assert schedule.next_run_at > clock.now()
    assert set(ScheduleRun.objects.values_list("outcome", flat=True)) == {"missed"}
    assert ScheduleRun.objects.count() == 3
    assert not Export.objects.exists()


def test_new_rows_have_numbers_far_above_those_of_the_copy(cast: Cast) -> None:
    project = cast.project(TABLES, TABLES.provider.origins["production"])
    before = request_export(project, cast.member, "orders")
    take_over_restored()
    after = request_export(project, cast.member, "orders", "xlsx")
    assert after.pk > before.pk + IDS_AHEAD


def test_a_claim_of_the_lost_time_does_not_stand_and_the_step_is_due(cast: Cast) -> None:
    export = request_export(cast.project(TABLES, TABLES.provider.origins["production"]), cast.member, "orders")
    claim = claim_next_step(export)
    take_over_restored()
    export.refresh_from_db()
    assert (export.held_until, export.search_first, export.step) == (None, True, states.SUBMIT)
    assert export.fence > claim.fence


def test_limited_calls_wait_for_the_length_of_their_window(cast: Cast) -> None:
    credential, now = cast.project(TABLES, TABLES.provider.origins["production"]).credential, clock.now()
    RateWindow.objects.create(
        credential=credential, rate_class="normal", limit=5, seconds=60, opened_at=now, started_at=now
    )
    take_over_restored()
    pause = RateLimitPause.objects.get()
    assert timedelta(seconds=50) < pause.until - clock.now() <= timedelta(seconds=60)


def test_sessions_end_and_processes_are_forgotten(cast: Cast) -> None:
    Session.objects.create(session_key="x", session_data="", expire_date=clock.seconds_from_now(1000))
    Heartbeat.record("worker:old@host")
    assert take_over_restored().sessions == 1
    assert not Heartbeat.objects.exists()


def test_it_may_be_called_again(cast: Cast) -> None:
    request_export(cast.project(TABLES, TABLES.provider.origins["production"]), cast.member, "orders")
    assert take_over_restored().searched == take_over_restored().searched == 1


def test_the_database_is_accepted_and_a_copy_of_it_is_not(cast: Cast) -> None:
    if connection.vendor != "postgresql":
        assert not DatabaseIdentity.is_a_copy()  # SQLite says nothing about itself.
        return
    assert not DatabaseIdentity.is_a_copy()
    DatabaseIdentity.objects.update(identity="1.2.3.4")
    assert DatabaseIdentity.is_a_copy()
    take_over_restored()
    assert not DatabaseIdentity.is_a_copy()
    assert DatabaseIdentity.objects.get().restored_at is not None
