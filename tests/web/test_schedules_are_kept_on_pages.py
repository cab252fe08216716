"""People keep schedules on pages: the form says when it will run before it is saved."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from exports import clock
from exports.models import Export, Project, Schedule, User
from exports.templatetags.schedules import describe_cron
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.schedules import make_schedule, run_all

FORM: dict[str, Any] = {
    "format": "csv",
    "frequency": "weekly",
    "time": "02:30",
    "weekdays": ["1", "7"],
    "day": "1",
    "cron": "",
    "time_zone": "Europe/Paris",
    "spread_minutes": "0",
}


@pytest.fixture(autouse=True)
def clock_in_march() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime(2026, 3, 27, 12, tzinfo=UTC), tick=True) as traveller:
        yield traveller


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


def at(name: str, *args: Any) -> str:
    return reverse(f"web:{name}", args=["the-team", *args])


def test_the_form_makes_a_schedule(as_member: Client, project: Project) -> None:
    answer = as_member.post(at("add-schedule-of", project.pk, "orders"), FORM)
    schedule = Schedule.objects.get()
    assert answer.headers["Location"] == at("schedule", schedule.pk)
    assert (schedule.cron, schedule.time_zone, schedule.format) == ("30 2 * * 1,0", "Europe/Paris", "csv")
    assert schedule.owner.email == "member@example.org"
    page = as_member.get(answer.headers["Location"]).content.decode()
    assert "Mondays, Sundays at 02:30" in page
    # On 29 March 02:30 does not exist in Paris.
    assert '<b class="medium">Sun 29 Mar</b> <span>03:00</span>' in page


@pytest.mark.parametrize(
    ("changes", "cron"),
    [
        ({"frequency": "hourly", "time": "00:05"}, "5 * * * *"),
        ({"frequency": "daily"}, "30 2 * * *"),
        ({"frequency": "monthly", "day": "L"}, "30 2 L * *"),
        ({"frequency": "custom", "cron": "@weekly"}, "@weekly"),
        ({"frequency": "custom", "cron": "*/20 7-9 * * 1-5"}, "*/20 7-9 * * 1-5"),
    ],
)
def test_every_frequency_is_a_cron_expression_and_fills_the_form_again(
    as_member: Client, project: Project, changes: dict[str, str], cron: str
) -> None:
    as_member.post(at("add-schedule-of", project.pk, "orders"), FORM | changes)
    schedule = Schedule.objects.get()
    assert schedule.cron == cron
    times = as_member.get(at("edit-schedule", schedule.pk)).context["times"]
    again = {name: times[name].value() for name in times.fields}
    form = FORM | {name: str(value)[:5] if name == "time" else value for name, value in again.items() if value}
    as_member.post(at("edit-schedule", schedule.pk), form)
    schedule.refresh_from_db()
    assert schedule.cron in (cron, "0 0 * * 0")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"frequency": "custom", "cron": "61 * * * *"}, "is no minute"),
        ({"frequency": "custom"}, "Give a cron expression."),
        ({"weekdays": []}, "Choose at least one day."),
        ({"spread_minutes": "90"}, "less than or equal to 60"),
        ({"time_zone": "Europe/Nowhere"}, "Select a valid choice."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(
    as_member: Client, project: Project, changes: dict[str, Any], text: str
) -> None:
    answer = as_member.post(at("add-schedule-of", project.pk, "orders"), FORM | changes)
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not Schedule.objects.exists()


def test_the_next_times_are_shown_before_saving_with_and_without_scripts(as_member: Client, project: Project) -> None:
    fragment = as_member.get(at("next-times", project.pk), FORM).content.decode()
    whole = as_member.post(at("add-schedule-of", project.pk, "orders"), FORM | {"next": "show"})
    for html in (fragment, whole.content.decode()):
        assert html.count('<b class="medium">') == 5
        assert "Sun 29 Mar</b> <span>03:00</span>" in html
    assert (whole.status_code, Schedule.objects.exists()) == (200, False)
    wrong = as_member.get(at("next-times", project.pk), FORM | {"frequency": "custom", "cron": "x"}).content.decode()
    assert "A cron expression has five fields" in wrong


def test_a_changing_kind_is_confirmed_by_its_name(as_member: Client, cast: Cast) -> None:
    project = cast.project(CHANGING)
    path = at("add-schedule-of", project.pk, "archive")
    form = {**FORM, "format": "none"}
    assert as_member.post(path, form).status_code == 422
    assert as_member.post(path, form | {"confirm": f"The {CHANGING} one"}).status_code == 302
    assert Schedule.objects.get().confirmed


def test_save_and_run_now_leads_to_the_export(as_member: Client, project: Project) -> None:
    answer = as_member.post(at("add-schedule-of", project.pk, "orders"), FORM | {"run": "now"})
    export = Export.objects.get()
    assert answer.headers["Location"] == at("export", export.pk)
    assert export.schedule == Schedule.objects.get()
    page = as_member.get(at("export", export.pk)).content.decode()
    assert at("schedule", export.schedule_id) in page
    assert f"#{export.pk}" in as_member.get(f"{at('exports')}?schedule_id={export.schedule_id}").content.decode()


def test_a_time_that_has_passed_is_due(as_member: Client, cast: Cast, project: Project) -> None:
    schedule = make_schedule(project, cast.member, "0 2 * * *")
    assert "Due" not in as_member.get("/t/the-team/schedules/").content.decode()
    past = clock.seconds_from_now(-3600)
    Schedule.objects.filter(pk=schedule.pk).update(next_run_at=past, ask_at=past)
    text = as_member.get("/t/the-team/schedules/").content.decode()
    assert '<span class="state warn">' in text
    assert "Due <time" in text


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("*/20 * * * *", "Every 20 min"),
        ("15 */6 * * *", "Every 6 h at :15"),
        ("15 */5 * * *", "15 */5 * * *"),
        ("45 3 1,15 * *", "Days 1, 15 of the month, 03:45"),
        ("*/20 7-9 * * 1-5", "*/20 7-9 * * 1-5"),
    ],
)
def test_times_without_a_preset_are_said_in_words_where_they_repeat_evenly(cron: str, said: str) -> None:
    assert describe_cron(cron) == said


def test_a_schedule_is_paused_resumed_and_deleted(as_member: Client, cast: Cast, project: Project) -> None:
    schedule = make_schedule(project, cast.member)
    for verb, label in (("pause", "Paused"), ("resume", "On")):
        page = as_member.post(at("schedule-action", schedule.pk, verb), follow=True).content.decode()
        assert f"{label}</span>" in page
    assert as_member.post(at("schedule-action", schedule.pk, "explode")).status_code == 302
    assert "Delete this schedule?" in as_member.get(at("delete-schedule", schedule.pk)).content.decode()
    assert as_member.post(at("delete-schedule", schedule.pk)).headers["Location"] == at("schedules")
    assert not Schedule.objects.exists()


def test_a_stopped_schedule_is_on_home_and_is_taken_over(
    as_owner: Client, cast: Cast, project: Project, clock_in_march: time_machine.Traveller
) -> None:
    schedule = make_schedule(project, cast.member)
    User.objects.filter(pk=cast.member.user_id).update(is_active=False)
    clock_in_march.shift(86400)
    run_all()
    as_owner.post(reverse("web:ask", args=["the-team", project.pk, "orders"]), {"format": "csv"})
    home = as_owner.get(at("home")).content.decode()
    assert "Its owner&#x27;s account was deactivated." in home
    page = as_owner.get(at("schedule", schedule.pk)).content.decode()
    assert "Take over and resume" in page
    as_owner.post(at("schedule-action", schedule.pk, "resume"))
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.owner) == (True, cast.owner.user)
    assert "was deactivated" not in as_owner.get(at("home")).content.decode()


def test_viewers_read_and_change_nothing(as_viewer: Client, cast: Cast, project: Project) -> None:
    schedule = make_schedule(project, cast.member)
    page = as_viewer.get(at("schedule", schedule.pk)).content.decode()
    assert "Run now" not in page
    assert as_viewer.get(at("schedules")).status_code == 200
    for name, args in (("schedule-action", (schedule.pk, "run")), ("delete-schedule", (schedule.pk,))):
        assert as_viewer.post(at(name, *args)).status_code == 403
    assert Schedule.objects.filter(enabled=True).exists()


def test_another_teams_schedule_is_no_filter(as_outsider: Client, cast: Cast, project: Project) -> None:
    schedule = make_schedule(project, cast.member)
    page = as_outsider.get(f"/t/other-team/exports/?schedule_id={schedule.pk}").content.decode()
    assert "The team has no schedule of this number." in page


def test_the_list_makes_a_fixed_number_of_queries(
    as_member: Client, cast: Cast, project: Project, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        make_schedule(project, cast.member)
    as_member.get(at("schedules"))
    with django_assert_max_num_queries(8):
        assert as_member.get(at("schedules")).content.decode().count("Daily at 02:00") == 12


def test_an_export_is_scheduled_with_the_options_it_had(as_member: Client, cast: Cast, project: Project) -> None:
    export = request_export(project, cast.member, "orders", "xlsx", options={"columns": {"order.id": "Number"}})
    link = f"{at('add-schedule-of', project.pk, 'orders')}?from={export.pk}"
    assert link in as_member.get(at("export", export.pk)).content.decode()
    page = as_member.get(link)
    assert page.context["form"]["format"].value() == "xlsx"
    assert "order.id" in page.content.decode()
