"""Lists of the admin site: pages by key, nothing counted, filters without an index bounded."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exports.admin import change_list
from exports.admin.exports import ExportAdmin
from exports.models import Export, Project, Team
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING

LIST = "/admin/exports/export/"


def shown(client: Client, address: str) -> list[int]:
    """The ids of a list's rows."""
    return [row.pk for row in client.get(address).context["cl"].result_list]


@pytest.fixture
def five(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five exports, newest first, in pages of two."""
    monkeypatch.setattr(ExportAdmin, "list_per_page", 2)
    return [factories.failed_export(cast, allow_duplicate=True).pk for _ in range(5)][::-1]


def test_pages_lead_on_and_back(as_staff: Client, five: list[int]) -> None:
    walked, address = [], LIST
    while True:
        page = as_staff.get(address).context["cl"]
        walked.append([row.pk for row in page.result_list])
        if not page.next_query:
            break
        address = LIST + page.next_query
    assert walked == [five[:2], five[2:4], five[4:]]
    assert shown(as_staff, LIST + page.previous_query) == five[2:4]


def test_teams_are_walked_by_their_name(as_staff: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exports.admin.teams.TeamAdmin.list_per_page", 1)
    first = as_staff.get("/admin/exports/team/").context["cl"]
    second = as_staff.get("/admin/exports/team/" + first.next_query).context["cl"]
    assert [team.slug for team in (*first.result_list, *second.result_list)] == ["other-team", "the-team"]


@pytest.mark.parametrize(
    "query", ["", "?after=3", "?status=failed", f"?provider={CHANGING}&error=rejected", "?q=nothing"]
)
def test_nothing_is_counted_and_no_rows_are_skipped(as_staff: Client, five: list[int], query: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert as_staff.get(LIST + query).status_code == 200
    statements = [one["sql"] for one in queries]
    assert not [sql for sql in statements if "COUNT(" in sql]
    # The one offset there is, is that of the bounded look through the keys alone.
    assert not [sql for sql in statements if "OFFSET" in sql and "created_at" in sql]
    assert len(statements) <= 7


def test_a_filter_without_an_index_reads_a_bounded_part(
    as_staff: Client, five: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_list, "SCAN_ROWS", 3)
    Export.objects.filter(pk=five[4]).update(error_code="storage")
    first = as_staff.get(LIST + "?error=storage")
    assert "Looked through 3 rows" in first.content.decode()
    assert first.context["cl"].result_list == []
    assert shown(as_staff, LIST + first.context["cl"].next_query) == [five[4]]


def test_open_due_and_stuck_exports_are_found_wherever_they_are(
    as_staff: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = factories.processing_export(cast)
    Export.objects.filter(pk=old.pk).update(next_step_at=timezone.now() - timedelta(hours=1))
    for _ in range(3):
        factories.failed_export(cast, allow_duplicate=True)
    monkeypatch.setattr(change_list, "SCAN_ROWS", 1)
    for query in ("status=processing", "status=due", "status=stuck", "step=poll", "status=due&step=poll"):
        assert shown(as_staff, f"{LIST}?{query}") == [old.pk], query
    assert shown(as_staff, f"{LIST}?step=fetch") == []


def test_rows_of_one_team_or_project(as_staff: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    page = as_staff.get(f"{LIST}?team={cast.team.pk}")
    assert "The Team</span>" in page.content.decode()
    assert shown(as_staff, f"{LIST}?project={export.project_id}&status=failed") == [export.pk]
    assert shown(as_staff, f"{LIST}?team={cast.other_team.pk}") == []
    assert shown(as_staff, f"{LIST}?team=x") == shown(as_staff, f"{LIST}?team={2**70}") == []


@pytest.mark.parametrize("query", ["?after=x", "?before=", "?after=1&before=2"])
def test_a_cursor_that_is_none_leads_to_the_list(as_staff: Client, cast: Cast, query: str) -> None:
    assert as_staff.get(LIST + query, follow=True).status_code == 200


def test_exports_are_found_by_number_job_project_team_and_person(as_staff: Client, cast: Cast) -> None:
    done, other = factories.failed_export(cast), factories.waiting_export(cast, cast.project(CHANGING))
    Export.objects.filter(pk=done.pk).update(remote_id="job-1")
    Project.objects.filter(pk=done.project_id).update(name="Spring catalogue")
    found: dict[str, list[int]] = {
        f"#{done.pk}": [done.pk],
        str(done.pk): [done.pk],
        "job-1": [done.pk],
        "catalogue": [done.pk],
        other.project.remote_id: [other.pk],
        "THE TEAM": [other.pk, done.pk],
        "member@example.org": [other.pk, done.pk],
        "nothing of the kind": [],
        "#" + "9" * 30: [],
    }
    for term, ids in found.items():
        assert [row.pk for row in as_staff.get(LIST, {"q": term}).context["cl"].result_list] == ids, term


@pytest.mark.parametrize(
    "name", ["file", "outboxmessage", "change", "call", "schedulerun", "auditentry", "team", "user"]
)
def test_every_search_takes_any_words(
    as_staff: Client, cast: Cast, name: str, django_assert_max_num_queries: Any
) -> None:
    factories.succeeded_export(cast)
    assert Team.objects.count() == 2
    for term in ("12", "some words", "#7"):
        with django_assert_max_num_queries(7):
            assert as_staff.get(f"/admin/exports/{name}/", {"q": term}).status_code == 200


def test_states_have_icon_and_word_and_times_their_zone(as_staff: Client, cast: Cast) -> None:
    factories.failed_export(cast)
    page = as_staff.get(LIST).content.decode()
    assert 'icons.svg#x-circle"></use></svg>Failed</span>' in page
    assert "data-exact=" in page
    assert " UTC</span></time>" in page
    assert "Times in UTC" in page
