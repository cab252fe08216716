"""The list of exports: filters, pagination by key, live rows, few queries."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exports.credentials import service
from exports.exporting import pagination
from exports.models import Export, File, Heartbeat, Member
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES

LIST = "/t/the-team/exports/"
# Session, person and membership; exports, how long they usually take, credentials with projects, days, schedules,
# workers, activity.
HOME_QUERIES = 10


def rows(client: Client, query: str = "", **headers: str) -> list[int]:
    """The numbers of the exports a page lists, in its order."""
    page = client.get(f"{LIST}{query}", headers=headers or None).content.decode()
    return [int(part.partition('"')[0]) for part in page.split('class="what cut" id="x')[1:]]


@pytest.fixture
def history(cast: Cast) -> dict[str, Export]:
    changing = cast.project(CHANGING)
    return {
        "open": factories.processing_export(cast, project=changing),
        "good": factories.succeeded_export(cast, name="spring.csv"),
        "bad": factories.failed_export(cast, format_="xlsx"),
    }


def test_the_newest_come_first(as_viewer: Client, history: dict[str, Export]) -> None:
    assert rows(as_viewer) == [history["bad"].pk, history["good"].pk, history["open"].pk]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?status=failed", ["bad"]),
        ("?status=failed&status=succeeded", ["bad", "good"]),
        ("?status=failed,succeeded", ["bad", "good"]),
        (f"?provider={CHANGING}", ["open"]),
        ("?type=orders", ["bad", "good"]),
        ("?q=spring", ["good"]),
        ("?since=2000-01-01&until=2001-01-01", []),
        ("?since=2000-01-01", ["bad", "good", "open"]),
        ("?q=provider+said", ["bad"]),
        ("?trigger=retry", []),
        ("?trigger=person&type=orders", ["bad", "good"]),
        ("?file=yes", ["good"]),
        ("?file=no", ["bad", "open"]),
        ("?status=&provider=&type=&project_id=&since=&until=&q=", ["bad", "good", "open"]),
    ],
)
def test_filters_are_query_parameters(
    as_viewer: Client, history: dict[str, Export], query: str, names: list[str]
) -> None:
    assert rows(as_viewer, query) == [history[name].pk for name in names]


def test_a_person_and_a_number_are_found(as_viewer: Client, history: dict[str, Export], owner: Member) -> None:
    bad = history["bad"]
    assert rows(as_viewer, f"?user_id={bad.user_id}") == [bad.pk, history["good"].pk, history["open"].pk]
    assert rows(as_viewer, f"?user_id={owner.user_id}") == []
    assert bad.pk in rows(as_viewer, f"?q=%23{bad.pk}")


def test_an_export_with_a_deleted_file_counts_as_without_file(as_viewer: Client, history: dict[str, Export]) -> None:
    File.objects.update(deleted_at=timezone.now())
    assert rows(as_viewer, "?file=yes") == []
    assert "deleted" in as_viewer.get(LIST).content.decode()


def test_active_filters_are_shown_and_can_be_removed(as_viewer: Client, history: dict[str, Export]) -> None:
    page = as_viewer.get(f"{LIST}?status=failed&q=%3Cb%3E&file=yes").content.decode()
    assert 'href="?status=failed&amp;q=%3Cb%3E"><span class="key">File:</span> <span>Has a file</span>' in page
    assert "Clear filters" in page
    assert "Clear filters" not in as_viewer.get(LIST).content.decode()


def test_a_view_and_a_search_keep_each_other(as_viewer: Client, history: dict[str, Export]) -> None:
    page = as_viewer.get(f"{LIST}?status=failed&q=%3Cb%3E").content.decode()
    assert '<a href="?q=%3Cb%3E&amp;status=failed" aria-current="true">' in page
    assert 'value="&lt;b&gt;"' in page
    assert '<input type="hidden" name="status" value="failed">' in page, "a search keeps the view"
    several = as_viewer.get(f"{LIST}?status=failed,succeeded").content.decode()
    assert '<span class="key">Status:</span> <span>Failed or Succeeded</span>' in several


def test_an_unreadable_filter_is_named_and_ignored(as_viewer: Client, history: dict[str, Export]) -> None:
    answer = as_viewer.get(f"{LIST}?status=broken&since=yesterday&type=orders&before=x")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Ignored the filter “status”" in page
    assert "Ignored the filter “since”" in page
    assert rows(as_viewer, "?status=broken&type=orders") == [history["bad"].pk, history["good"].pk]


def test_pages_go_by_key_and_keep_the_filters(as_viewer: Client, cast: Cast) -> None:
    made_all = [factories.waiting_export(cast, allow_duplicate=True).pk for _ in range(65)][::-1]
    first = as_viewer.get(f"{LIST}?type=orders").content.decode()
    assert rows(as_viewer, "?type=orders") == made_all[:30]
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "type=orders" in older
    assert rows(as_viewer, older) == made_all[30:60]
    last = as_viewer.get(f"{LIST}{older}").content.decode()
    assert "Newest" in last
    oldest = last.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert rows(as_viewer, oldest) == made_all[60:]
    assert 'rel="next"' not in as_viewer.get(f"{LIST}{oldest}").content.decode()


def test_links_lead_back_to_newer_exports(as_viewer: Client, cast: Cast) -> None:
    made_all = [factories.waiting_export(cast, allow_duplicate=True).pk for _ in range(65)][::-1]
    third = as_viewer.get(f"{LIST}?before={made_all[59]}").content.decode()
    newer = third.partition('rel="prev" href="')[2].partition('"')[0]
    assert rows(as_viewer, newer) == made_all[30:60]
    second = as_viewer.get(f"{LIST}{newer}").content.decode()
    assert f'rel="next" href="?before={made_all[59]}"' in second
    newest = second.partition('rel="prev" href="')[2].partition('"')[0]
    assert rows(as_viewer, newest) == made_all[:30]
    assert 'rel="prev"' not in as_viewer.get(f"{LIST}{newest}").content.decode()
    assert rows(as_viewer, f"?before={made_all[59]}&after=1") == made_all[:30], "no page is both"


def test_a_filter_without_an_index_searches_a_bounded_period_per_page(
    as_viewer: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagination, "SCAN_ROWS", 10)
    wanted = factories.failed_export(cast, message="A needle.").pk
    others = [factories.waiting_export(cast, allow_duplicate=True).pk for _ in range(25)]
    first = as_viewer.get(f"{LIST}?q=needle").content.decode()
    assert "Searched back to" in first
    further = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert further == f"?q=needle&before={others[15]}"
    assert rows(as_viewer, further) == []
    last = as_viewer.get(f"{LIST}?q=needle&before={others[5]}").content.decode()
    assert f'id="x{wanted}"' in last
    assert "Search older" not in last


def test_a_period_bounds_the_search(as_viewer: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagination, "SCAN_ROWS", 3)
    for _ in range(5):
        factories.waiting_export(cast, allow_duplicate=True)
    Export.objects.update(created_at=timezone.now() - timedelta(days=9))
    today = f"{timezone.now():%Y-%m-%d}"
    page = as_viewer.get(f"{LIST}?since={today}").content.decode()
    assert "No exports match" in page
    assert "Search older" not in page


def test_every_row_has_one_main_action(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    exports = {
        "Cancel": factories.waiting_export(cast),
        "Download": factories.succeeded_export(cast, format_="xlsx"),
        "Retry": factories.failed_export(cast, "provider_failed", allow_duplicate=True),
        "Follow or retry": factories.failed_export(cast, "unconfirmed", allow_duplicate=True),
        "Follow job again": factories.failed_export(cast, "deadline", allow_duplicate=True),
        "Replace secret": factories.failed_export(cast, "credential", allow_duplicate=True),
        "Edit and run": factories.failed_export(cast, "rejected", allow_duplicate=True),
    }
    page = as_member.get(LIST).content.decode()
    for label, export in exports.items():
        assert f'aria-label="{label}, export {export.pk}"' in page.partition(f'id="a{export.pk}"')[2][:400], label
    looked = as_viewer.get(LIST).content.decode()
    assert f'id="a{exports["Download"].pk}"' in looked
    assert f'id="a{exports["Retry"].pk}"' not in looked
    assert 'form="act"' not in looked


def test_a_row_that_was_retried_leads_to_the_retry(as_member: Client, cast: Cast) -> None:
    bad = factories.failed_export(cast)
    as_member.post(f"{LIST}{bad.pk}/retry")
    later = Export.objects.get(retry_of=bad)
    assert f"Retried in #{later.pk}" in as_member.get(LIST).content.decode()


def test_kinds_that_change_a_project_are_not_retried_with_one_press(as_member: Client, cast: Cast) -> None:
    export = factories.processing_export(cast, project=cast.project(CHANGING))
    export.move("succeeded", source="poll")
    page = as_member.get(LIST).content.decode()
    assert "No file" in page
    assert f"/exports/{export.pk}/retry" not in page
    assert f"?from={export.pk}" in page


def test_open_rows_say_how_long_it_usually_takes(as_viewer: Client, cast: Cast) -> None:
    for minutes in (4, 5, 6, 7):
        good = factories.succeeded_export(cast)
        Export.objects.filter(pk=good.pk).update(created_at=good.finished_at - timedelta(minutes=minutes))
    factories.waiting_export(cast)
    assert "usually 5\N{EN DASH}6 min" in as_viewer.get(LIST).content.decode()


def test_an_empty_list_says_what_to_do(as_member: Client, cast: Cast) -> None:
    assert "No exports yet" in as_member.get(LIST).content.decode()
    factories.waiting_export(cast)
    assert "No exports match" in as_member.get(f"{LIST}?status=failed").content.decode()


def test_rows_are_refreshed_only_while_an_export_is_open(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = as_viewer.get(LIST).content.decode()
    assert 'hx-trigger="every 2s, shown"' in page
    mark = page.partition("X-Live-Mark&quot;: &quot;")[2].partition("&quot;")[0]
    same = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark})
    assert same.status_code == 204, "unchanged rows are not drawn again"
    Export.objects.filter(pk=export.pk).update(progress=80)
    moved = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark})
    assert moved.status_code == 200
    assert "<html" not in moved.content.decode()
    assert "80 %" in moved.content.decode()
    export.move("canceled", source="person")
    ended = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Mark": mark}).content.decode()
    assert "Canceled" in ended
    assert 'hx-trigger="every 20s, shown"' in ended, "only new ones are looked for"


@pytest.mark.parametrize("path", ["exports/", "", "projects/", "credentials/", "new/"])
def test_lists_take_few_queries_however_long(
    as_owner: Client, cast: Cast, path: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        project = service.create_project(
            cast.project(TABLES).credential, cast.owner.user, remote_id=f"{5000 + number}", name=f"P {number}"
        )
        factories.succeeded_export(cast, project=project)
        factories.failed_export(cast, project=project)
        factories.processing_export(cast, project=project)
    Heartbeat.record("worker:test")
    with django_assert_max_num_queries(HOME_QUERIES if path == "" else 8):
        assert as_owner.get(f"/t/the-team/{path}").status_code == 200
