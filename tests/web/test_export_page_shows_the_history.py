"""An export's page: collapsed polls, compared options, paginated calls, and a fixed number of queries."""

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports import states
from exports.models import Call, Change, Download, Export
from exports.templatetags.times import between
from exports.web import timeline
from exports.web.phases import build_phases
from exports.web.views.export import CALLS_PER_PAGE
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES

HX = {"HX-Request": "true"}


def address(export: Export, tail: str = "") -> str:
    return f"/t/the-team/exports/{export.pk}/{tail}"


def page(client: Client, export: Export) -> str:
    answer = client.get(address(export))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_timeline_says_that_a_command_asked(as_member: Client, cast: Cast) -> None:
    export = factories.waiting_export(cast)
    assert "Website" in page(as_member, export)
    Export.objects.update(trigger="command")
    shown = page(as_member, export)
    assert re.search(r'<span class="by">Command\b', shown)
    assert "Website" not in shown


def calls(export: Export, count: int, **more: Any) -> None:
    """Questions a second apart, from a second after the latest change on."""
    last = Change.objects.filter(export=export).latest("seq").at
    given = {"method": "GET", "seconds": 0.1, "status": 200, "credential": export.project.credential, **more}
    Call.objects.bulk_create(
        Call(export=export, at=last + timedelta(seconds=1 + n), url=f"https://x.example/{n}", **given)
        for n in range(count)
    )


def test_equal_polls_are_collapsed_into_one_line(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    calls(export, 12)
    calls(export, 2, status=503)
    text = page(as_viewer, export)
    assert "Checked 14 times" in text
    assert "2 without a usable answer" in text
    assert text.count('class="quiet polls"') == 1


def test_a_single_poll_is_shown_in_the_singular(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    calls(export, 1)
    assert "Checked once" in page(as_viewer, export)


def test_a_poll_without_an_answer_is_one_sentence(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    calls(export, 1, status=None, error="The connection was cut.")
    assert re.search(
        r"Checked once</span>\s*<span class=\"by\"><time[^>]*>[^<]*</time> · 1 without a usable",
        page(as_viewer, export),
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "Sat 21 Nov 2026, 10:00:30"),
        (20, "10:00"),
        (3600, "10:00\N{EN DASH}11:00"),
        (86400, "Sat 21 Nov 2026, 10:00:30 \N{EN DASH} Sun 22 Nov 2026, 10:00:30"),
    ],
)
def test_a_span_of_time_is_shown_briefly(seconds: int, said: str) -> None:
    first = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
    shown = between(first, first + timedelta(seconds=seconds))
    assert html.unescape(re.sub("<[^>]*>", "", shown)) == said


def test_polls_are_shown_between_the_changes_around_them(cast: Cast) -> None:
    export = factories.processing_export(cast)
    now = timezone.now()
    Change.objects.filter(export=export).update(at=now)
    calls(export, 3)
    Change.append(export, "processing", source="poll", at=now + timedelta(minutes=1))
    calls(export, 2)
    lines, count = timeline.build_timeline(export)
    assert [line.collapsed_polls.count if line.collapsed_polls else "change" for line in lines] == [
        "change",
        "change",
        3,
        "change",
        2,
    ]
    assert count == 5


def test_submits_and_downloads_are_not_counted_as_polls(cast: Cast) -> None:
    export = factories.processing_export(cast)
    calls(export, 2, method="POST")
    calls(export, 2, credential=None)
    lines, count = timeline.build_timeline(export)
    assert not any(line.collapsed_polls for line in lines)
    assert count == 4


def test_the_number_of_changes_shown_is_bounded(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    now = timezone.now()
    total = timeline.FIRST_CHANGES + timeline.LAST_CHANGES + 30
    Change.objects.bulk_create(
        Change(export=export, seq=n, from_status="processing", to_status="processing", at=now, source="poll")
        for n in range(3, total + 1)
    )
    text = page(as_viewer, export)
    assert text.count('<li class="to-') == timeline.FIRST_CHANGES + timeline.LAST_CHANGES
    assert "30 more changes" in text


def test_calls_are_loaded_on_request_latest_first_and_in_pages(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    calls(export, CALLS_PER_PAGE + 5)
    text = page(as_viewer, export)
    assert f'<span class="count">{CALLS_PER_PAGE + 5}</span>' in text
    assert "https://x.example/" not in text
    first = as_viewer.get(address(export, "calls"), headers=HX).content.decode()
    assert first.count("https://x.example/") == CALLS_PER_PAGE
    assert f"https://x.example/{CALLS_PER_PAGE + 4}<" in first
    older = first.split("?before=")[1].split('"')[0]
    rest = as_viewer.get(address(export, f"calls?before={older}")).content.decode()
    assert "<html" in rest, "without scripts it is a page"
    assert rest.count("https://x.example/") == 5
    assert as_viewer.get(address(export, "calls?before=x")).status_code == 200


def test_the_calls_of_an_open_export_are_refreshed(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    calls(export, 1)
    assert "every 5s" in as_viewer.get(address(export, "calls"), headers=HX).content.decode()
    export.move("canceled", source="person")
    assert "every 5s" not in as_viewer.get(address(export, "calls"), headers=HX).content.decode()


def test_options_that_differ_from_the_last_export_are_marked(as_viewer: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    first = factories.waiting_export(cast, project=project, options={"branch_id": "b1"})
    assert "changed from" not in page(as_viewer, first)
    first.move("canceled", source="person")
    second = factories.waiting_export(cast, project=project, options={"branch_id": "b2"})
    text = page(as_viewer, second)
    assert "changed from b1" in text
    assert f"#{first.pk}</a>, canceled" in text
    second.move("canceled", source="person")
    third = factories.waiting_export(cast, project=project)
    text = page(as_viewer, third)
    assert "not set" in text
    assert "changed from b2" in text


def test_an_open_export_shows_the_usual_duration(as_viewer: Client, cast: Cast) -> None:
    now = timezone.now()
    for minutes in (4, 5, 6, 7):
        one = factories.succeeded_export(cast)
        Export.objects.filter(pk=one.pk).update(created_at=now - timedelta(minutes=minutes), finished_at=now)
    assert "Usually " in page(as_viewer, factories.processing_export(cast))


@pytest.mark.parametrize("status", states.STATUSES)
def test_the_title_and_the_icon_show_the_status(as_viewer: Client, cast: Cast, status: str) -> None:
    makers = {
        "waiting": factories.waiting_export,
        "processing": factories.processing_export,
        "succeeded": factories.succeeded_export,
        "failed": factories.failed_export,
    }
    export = makers.get(status, factories.processing_export)(cast)
    if status == "canceled":
        export.move("canceled", source="person")
    text = page(as_viewer, export)
    assert f'<link rel="icon" href="/static/exports/favicon-{status}' in text
    assert f'data-icon="/static/exports/favicon-{status}' in text
    word = "Running" if status == "processing" else status.capitalize()
    assert f"<title>{word}: " in text


@pytest.mark.parametrize("status", ["processing", "succeeded", "failed"])
def test_the_number_of_queries_does_not_depend_on_the_history(as_viewer: Client, cast: Cast, status: str) -> None:
    makers = {
        "processing": factories.processing_export,
        "succeeded": factories.succeeded_export,
        "failed": factories.failed_export,
    }
    export = makers[status](cast)
    counts = []
    for round_ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(as_viewer, export)
        counts.append(len(queries))
        calls(export, 300)
        now = timezone.now()
        Change.objects.bulk_create(
            Change(export=export, seq=n + 4, from_status=status, to_status=status, at=now, source="poll")
            for n in range(0 if round_ else 300)
        )
        for _ in range(30):
            Download.objects.create(export=export, user=cast.member.user, actor="x", via="page")
        for _ in range(5):
            factories.waiting_export(cast, allow_duplicate=True)
    assert counts[0] == counts[1] <= 10


def test_a_viewer_is_told_who_can_act(as_viewer: Client, as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "credential", "401")
    text = page(as_viewer, export)
    assert "Viewers can't run exports. Ask a member." in text
    assert "An owner's turn" in text, "not the viewer's, who may not"
    assert "Only owners can replace secrets." in page(as_member, export)


@pytest.mark.parametrize(
    ("source", "said"), [("poll", f"{TABLES.label} canceled the job"), ("person", "Canceled here")]
)
def test_the_page_names_who_canceled(as_member: Client, cast: Cast, source: str, said: str) -> None:
    export = factories.processing_export(cast)
    export.move("canceled", source=source)
    assert said in page(as_member, export)


@pytest.mark.parametrize("code", ["no_file", "bad_file", "too_large", "storage", "address"])
def test_a_failure_after_the_job_still_says_that_the_job_ran(cast: Cast, code: str) -> None:
    states_shown = [phase.state for phase in build_phases(factories.failed_export(cast, code))]
    assert states_shown[:2] == ["done", "done"]
    assert states_shown.count("failed") == 1


def test_a_deleted_file_is_not_said_to_be_here(as_member: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    as_member.post(address(export, "delete-file"))
    text = page(as_member, export)
    assert "File deleted" in text
    assert 'id="download"' not in text


def test_a_lost_job_is_not_a_lost_project(as_member: Client, cast: Cast) -> None:
    export = factories.failed_export(cast, "not_found", "404")
    assert f"The job is gone at {TABLES.label}" in page(as_member, export)
    Export.objects.filter(pk=export.pk).update(remote_id="")
    assert f"{TABLES.label} can&#x27;t find this project" in page(as_member, export)
