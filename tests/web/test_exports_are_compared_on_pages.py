"""The page of a comparison: what changed since the export before, or between any two of the same kind."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from exports.models import Export, File, Member, Project
from exports.web.views import comparison
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.kept_exports import csv_bytes, keep_export, orders, zip_bytes
from tests.helpers.roles import ARCHIVES, TABLES


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


@pytest.fixture
def two(project: Project, member: Member) -> list[Export]:
    head = ("order.id", "status", "<b>note</b>")
    old = keep_export(project, member, csv_bytes(head, (1, "paid", "a"), (2, "paid", "b"), (3, "paid", "c")))
    new = keep_export(project, member, csv_bytes(head, (1, "refunded", "a"), (3, "paid", "c"), (44, "paid", "<i>")))
    return [old, new]


def page(client: Client, export: Export, query: str = "", **headers: str) -> str:
    answer = client.get(reverse("web:compare", args=[export.team.slug, export.pk]) + query, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_changes_since_the_export_before_are_shown(as_viewer: Client, two: list[Export]) -> None:
    old, new = two
    html = page(as_viewer, new)
    assert f"#{new.pk} compared with #{old.pk}" in html
    assert "<del>paid</del>" in html
    assert "<ins>refunded</ins>" in html
    assert "by order.id" in html
    assert "&lt;i&gt;" in html
    assert "<i>" not in html
    assert "<b>note" not in html


def test_examples_are_few(as_viewer: Client, project: Project, member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "MAX_SAMPLES", 2)
    keep_export(project, member, orders(range(5)))
    html = page(as_viewer, keep_export(project, member, orders(range(5, 10))))
    assert html.count("First 2 of 5") == 2


def test_the_key_column_can_be_chosen(as_viewer: Client, two: list[Export]) -> None:
    html = page(as_viewer, two[1], "?key=%3Cb%3Enote%3C%2Fb%3E")
    assert "by &lt;b&gt;note&lt;/b&gt;" in html
    html = page(as_viewer, two[1], "?key=gone")
    assert "The files don't both have a column “gone”" in html
    assert "by order.id" in html
    assert "so whole rows were compared" in page(as_viewer, two[1], "?key=status")


def test_any_two_exports_of_a_kind_are_compared(as_viewer: Client, two: list[Export], member: Member) -> None:
    old, new = two
    html = page(as_viewer, old, f"?with={new.pk}")
    assert f"#{new.pk} compared with #{old.pk}" in html
    other = keep_export(old.project, member, b"PK", "xlsx")
    assert "Choose two exports of the same project" in page(as_viewer, other, f"?with={new.pk}")


def test_two_boxes_of_the_project_lead_to_their_comparison(as_viewer: Client, two: list[Export]) -> None:
    old, new = two
    path = reverse("web:compare-chosen", args=[old.team.slug, old.project_id])
    answer = as_viewer.get(path, {"id": [new.pk, old.pk]})
    assert answer.headers["Location"] == f"{reverse('web:compare', args=[old.team.slug, new.pk])}?with={old.pk}"
    answer = as_viewer.get(path, {"id": [new.pk]}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("web:project", args=[old.team.slug, old.project_id])
    assert "Select two exports to compare." in answer.content.decode()
    assert as_viewer.get(path, {"id": ["x", "y"]}).status_code == 404


def test_the_project_shows_its_kept_files_with_boxes(as_viewer: Client, two: list[Export]) -> None:
    old, new = two
    Export.objects.filter(pk=new.pk).update(odd_change="3 rows, 61 % fewer than usual")
    html = as_viewer.get(reverse("web:project", args=[old.team.slug, old.project_id])).content.decode()
    for export in two:
        assert f'id="compare{export.pk}"' in html
    assert html.count("3 rows, 61 % fewer than usual") >= 2
    figures = page(as_viewer, new, **{"HX-Request": "true"})
    assert "<html" not in figures
    assert "Changed rows" in figures


def test_only_exports_of_one_kind_are_selected_beforehand(
    as_viewer: Client, two: list[Export], project: Project, member: Member
) -> None:
    address = f"/t/the-team/projects/{project.pk}/"
    boxes = re.compile(r'name="id" value="(\d+)"[^>]* checked')
    assert boxes.findall(as_viewer.get(address).content.decode()) == [str(two[1].pk), str(two[0].pk)]
    keep_export(project, member, b"no workbook", "xlsx")
    shown = as_viewer.get(address).content.decode()
    assert boxes.findall(shown) == []
    assert "with the one before" not in shown


def test_the_number_of_queries_does_not_depend_on_the_kept_files(
    as_viewer: Client, two: list[Export], member: Member
) -> None:
    old, new = two
    paths = [
        reverse("web:project", args=[old.team.slug, old.project_id]),
        reverse("web:compare", args=[old.team.slug, new.pk]),
        reverse("web:export", args=[old.team.slug, new.pk]),
    ]
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            for path in paths:
                as_viewer.get(path)
        counts.append(len(queries))
        for number in range(8):
            keep_export(old.project, member, orders([number]))
    assert counts[0] == counts[1]


def test_identical_files_are_said_to_be(as_viewer: Client, project: Project, member: Member) -> None:
    keep_export(project, member, orders([1]))
    assert "Both files have the same SHA-256." in page(as_viewer, keep_export(project, member, orders([1])))


def test_archives_show_their_members(as_viewer: Client, cast: Cast, member: Member) -> None:
    project = cast.project(ARCHIVES)
    keep_export(project, member, zip_bytes({"a/<x>.js": "1", "b.js": "1"}), "zip")
    html = page(as_viewer, keep_export(project, member, zip_bytes({"b.js": "22", "c.js": "1"}), "zip"))
    for text in ("a/&lt;x&gt;.js", "b.js", "c.js", "Added files", "Removed files", "Changed files"):
        assert text in html


def test_without_an_earlier_export_there_is_nothing_to_compare(as_viewer: Client, two: list[Export]) -> None:
    assert "Nothing to compare with yet" in page(as_viewer, two[0])


def test_a_deleted_file_leads_back_to_the_export(as_viewer: Client, two: list[Export]) -> None:
    new = two[1]
    File.objects.filter(export=new).update(deleted_at=timezone.now())
    answer = as_viewer.get(reverse("web:compare", args=[new.team.slug, new.pk]), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("web:export", args=[new.team.slug, new.pk])
    assert "was deleted, so it cannot be compared" in answer.content.decode()


def test_other_teams_see_nothing_of_it(cast: Cast, two: list[Export], as_member: Client) -> None:
    new = two[1]
    path = reverse("web:compare", args=[new.team.slug, new.pk])
    assert client_of(cast.outsider).get(path).status_code == 404
    assert as_member.get(path, {"with": 999999}).status_code == 404
    assert as_member.get(path, {"with": "x"}).status_code == 404


def test_the_export_shows_what_is_usual(as_viewer: Client, project: Project, member: Member) -> None:
    for count in (100, 100, 39):
        export = keep_export(project, member, orders(range(count)))
        File.objects.filter(export=export).update(row_count=count)
    Export.objects.filter(pk=export.pk).update(odd_change="39 rows, 61 % fewer than usual")
    html = as_viewer.get(reverse("web:export", args=[export.team.slug, export.pk])).content.decode()
    assert "Compared with usual" in html
    assert "39 rows, 61 % fewer than usual" in html
    assert "usually 100" in html
    assert f"Compare with #{export.pk - 1}" in html
    rows = as_viewer.get(reverse("web:exports", args=[export.team.slug])).content.decode()
    assert "39 rows, 61 % fewer than usual" in rows
