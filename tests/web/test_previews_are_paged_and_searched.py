"""A table's preview has pages, sheets, columns and a search in its address; whoever may download may look."""

from typing import Any

import pytest
from django.test import Client

from exports.models import Download, Export, File
from exports.preview import table_head
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import csv_bytes, keep_export
from tests.helpers.roles import TABLES

HX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    table_head.forget_all()


@pytest.fixture
def export(cast: Cast) -> Export:
    rows = [(number, f"Order of <Anna> {number}", "2024-03-02") for number in range(1, 131)]
    return keep_export(cast.project(TABLES), cast.member, csv_bytes(("id", "what", "at"), *rows))


def page(client: Client, export: Export, query: str = "", **more: Any) -> str:
    return client.get(f"/t/the-team/exports/{export.pk}/preview{query}", **more).content.decode()


def test_the_fragment_leads_to_the_pages(as_viewer: Client, export: Export) -> None:
    File.objects.update(row_count=130)
    part = page(as_viewer, export, headers=HX)
    assert "First 50 of 130 rows" in part
    assert f'href="/t/the-team/exports/{export.pk}/preview?page=2"' in part


def test_pages_are_in_the_address(as_viewer: Client, export: Export) -> None:
    html = page(as_viewer, export, "?page=3")
    assert "Rows 101 to 130 of 130" in html
    assert 'rel="prev"' in html
    assert 'rel="next"' not in html
    assert "Order of &lt;Anna&gt; 101</td>" in html
    for odd in ("?page=99", "?page=x", "?page=-1", "?page=0"):
        assert "Rows " in page(as_viewer, export, odd)


def test_columns_say_what_they_hold_and_numbers_stand_right(as_viewer: Client, export: Export) -> None:
    html = page(as_viewer, export)
    assert '<th scope="col" class="r">id<span class="col-kind">number</span></th>' in html
    assert '<td class="r">7</td>' in html
    columns = page(as_viewer, export, "?view=columns")
    assert "Found in all 130 rows" in columns
    assert '<td>date</td><td class="r num">130</td>' in columns


def test_a_search_marks_its_matches_and_says_how_far_it_went(as_viewer: Client, export: Export) -> None:
    html = page(as_viewer, export, "?q=%3Canna%3E+12")
    assert "11 rows with “&lt;anna&gt; 12” · searched all 130 rows" in html
    assert "Order of <mark>&lt;Anna&gt; 12</mark>0</td>" in html
    html = page(as_viewer, export, "?q=nobody")
    assert "0 rows with “nobody”" in html
    assert "<td" not in html
    assert "Matches 101 to 130 of 130" in page(as_viewer, export, "?q=order&page=9")


def test_a_search_that_saw_only_the_beginning_says_so(
    as_viewer: Client, export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_head, "MAX_TABLE_ROWS", 100)
    File.objects.update(row_count=130)
    assert "searched the first 100 rows" in page(as_viewer, export, "?q=order")
    assert "Rows 51 to 100 of 130 · the first 100 can be paged" in page(as_viewer, export, "?page=2")


def test_looking_is_no_download(as_viewer: Client, export: Export) -> None:
    for query in ("", "?page=2", "?q=order", "?view=columns"):
        page(as_viewer, export, query)
    assert not Download.objects.exists()


def test_the_comparison_stands_beside_it(as_viewer: Client, export: Export, cast: Cast) -> None:
    newer = keep_export(export.project, cast.member, csv_bytes(("id",), (1,)), allow_duplicate=True)
    assert "Compare with" not in page(as_viewer, export)
    html = page(as_viewer, newer)
    assert f'<a href="/t/the-team/exports/{newer.pk}/compare">Compare with #{export.pk}</a>' in html


def test_a_page_takes_few_queries(as_viewer: Client, export: Export, django_assert_max_num_queries: Any) -> None:
    page(as_viewer, export)
    with django_assert_max_num_queries(8):
        page(as_viewer, export, "?page=2&q=order")
