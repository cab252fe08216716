"""A list that is open shows the rows it had; new exports that fit its filters are counted beside them."""

from django.test import Client

from exports.models import Export
from tests.helpers import factories
from tests.helpers.cast import Cast

LIST = "/t/the-team/exports/"


def reload_rows(client: Client, newest: Export, query: str = "") -> str:
    headers = {"HX-Request": "true", "X-Live-Newest": str(newest.pk)}
    return client.get(f"{LIST}{query}", headers=headers).content.decode()


def test_new_ones_are_counted_and_not_shown(as_viewer: Client, cast: Cast) -> None:
    first = factories.succeeded_export(cast)
    page = as_viewer.get(LIST).content.decode()
    assert f"X-Live-Newest&quot;: &quot;{first.pk}&quot;" in page
    assert 'hx-trigger="every 20s, shown"' in page, "nothing is open, so only new ones are looked for"
    assert "new-pill" not in reload_rows(as_viewer, first)
    second, third = factories.succeeded_export(cast), factories.failed_export(cast)
    rows = reload_rows(as_viewer, first)
    assert "2 new exports" in rows
    assert 'data-announce="2 new exports"' in rows
    assert f'id="x{second.pk}"' not in rows
    assert f'id="x{third.pk}"' not in rows
    shown = as_viewer.get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert f'id="x{third.pk}"' in shown, "pressing it asks without the mark"


def test_only_those_that_fit_the_filters_count(as_viewer: Client, cast: Cast) -> None:
    first = factories.succeeded_export(cast)
    factories.succeeded_export(cast)
    factories.failed_export(cast, message="No pools.")
    assert "1 new export<" in reload_rows(as_viewer, first, "?status=failed")
    assert "1 new export<" in reload_rows(as_viewer, first, "?q=pools")
    assert "new-pill" not in reload_rows(as_viewer, first, "?status=canceled")


def test_rows_that_are_shown_go_on_changing(as_viewer: Client, cast: Cast) -> None:
    export = factories.processing_export(cast)
    factories.succeeded_export(cast, format_="xlsx")
    Export.objects.filter(pk=export.pk).update(progress=80)
    rows = reload_rows(as_viewer, export)
    assert "80 %" in rows
    assert "1 new export<" in rows


def test_an_older_page_and_an_odd_mark_show_no_count(as_viewer: Client, cast: Cast) -> None:
    first = factories.succeeded_export(cast)
    second = factories.succeeded_export(cast)
    assert "new-pill" not in reload_rows(as_viewer, first, f"?before={second.pk}")
    odd = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Live-Newest": "-1"})
    assert odd.status_code == 200
    assert f'id="x{second.pk}"' in odd.content.decode()


def test_the_whole_page_comes_where_a_script_takes_more_than_the_rows(as_viewer: Client, cast: Cast) -> None:
    factories.succeeded_export(cast)
    answer = as_viewer.get(LIST, headers={"HX-Request": "true", "X-Whole-Page": "yes"})
    assert 'id="list"' in answer.content.decode()
    assert "X-Whole-Page" in answer["Vary"]
