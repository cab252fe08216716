"""The history as CSV: the filters of the page, no formulas, and a bound."""

import csv
import io
import re
import time
import unicodedata
from typing import Any

import pytest
from django.test import Client

from exports.exporting import pagination
from exports.models import Export, Project, User
from exports.web.csv_cells import harmless_cell
from exports.web.views import exports_csv
from tests.helpers import factories
from tests.helpers.cast import Cast

HISTORY = "/t/the-team/exports.csv"


def lines(client: Client, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{HISTORY}{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    text = b"".join(answer).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


# Blanks, quotes, control and invisible characters, by Unicode's categories.
DROPPED = re.compile('["\\s\\x00-\\x1f\u200b\ufeff]')


def restored(text: str) -> str:
    """The text as it was, by the rule that docs/using.md gives."""
    return re.sub(
        "^'(?='*[\\t\\r])|((?:^|[;,|\\t\\n\\r\u2028])[\"\\s\\x01\u200b\ufeff]*)'(?='*[-=+@\uff1d\uff0b\ufe63])",
        r"\1",
        text,
    )


def test_each_export_is_one_row(as_viewer: Client, cast: Cast) -> None:
    good, bad = (
        factories.succeeded_export(cast),
        factories.failed_export(cast, message='It said: no, "never".\nSo it is.'),
    )
    first, second = lines(as_viewer)
    assert first["number"] == str(bad.pk)
    assert first["message"] == 'It said: no, "never".\nSo it is.'
    assert first["file"] == ""
    assert second["number"] == str(good.pk)
    assert second["sha256"] == good.file.sha256
    assert second["asked_by"] == "member@example.org"
    assert second["project_id"] == "4001"


def test_it_uses_the_filters_of_the_page(as_viewer: Client, cast: Cast) -> None:
    factories.succeeded_export(cast)
    bad = factories.failed_export(cast)
    assert [line["number"] for line in lines(as_viewer, "?status=failed&file=no")] == [str(bad.pk)]
    page = as_viewer.get("/t/the-team/exports/?status=failed").content.decode()
    assert 'href="/t/the-team/exports.csv?status=failed"' in page


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_neutralized(as_viewer: Client, cast: Cast, sign: str) -> None:
    factories.failed_export(cast, message=f"{sign}cmd|' /C calc'!A0")
    Project.objects.update(name=f"{sign}1+1")
    User.objects.filter(pk=cast.member.user.pk).update(name=f"{sign}1")
    (line,) = lines(as_viewer)
    assert line["message"].startswith(f"'{sign}cmd")
    assert line["project"] == f"'{sign}1+1"
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in line.values())


@pytest.mark.parametrize(
    "text",
    [
        "paid; =1+1",
        "paid\t=1+1",
        "paid\n=1+1",
        "paid\r\n-1+1",
        "  +1+1",
        "\u00a0@SUM(1)",
        "\u200b=1+1",
        "\ufeff=1+1",
        "\uff1d1+1",
        "paid;\uff0b1",
        "\ufe63 1",
        'paid;"=1+1',
        "paid|=cmd",
        "paid, -1+1",
        "paid;\n\n =1+1",
        "\x01=1+1",
        "\u2028=1+1",
        "'=1+1",
    ],
)
def test_no_cell_begins_a_formula_wherever_a_spreadsheet_splits_the_line(
    as_viewer: Client, cast: Cast, text: str
) -> None:
    factories.failed_export(cast, message=text)
    Project.objects.update(name=text.strip() or text)
    raw = b"".join(as_viewer.get(HISTORY)).decode("utf-8-sig")
    for cell in re.split(r"[;,|\t\n\r\u2028]", raw):
        first = next((char for char in cell if not DROPPED.fullmatch(char)), "")
        assert unicodedata.normalize("NFKC", first) not in ("=", "+", "-", "@"), cell
    (line,) = lines(as_viewer)
    assert restored(line["message"]) == text


def test_what_begins_no_formula_stays_as_it_is(as_viewer: Client, cast: Cast) -> None:
    text = "It's 3-4 e-mails to a@example.org; they'd cost 2 = 1 + 1, or 'less'"
    factories.failed_export(cast, message=text)
    (line,) = lines(as_viewer)
    assert (line["message"], line["asked_by"]) == (text, "member@example.org")


def test_the_time_to_write_a_cell_grows_with_its_length_only() -> None:
    began = time.monotonic()
    for piece in (";", "\n", " ", "'", ";'", '"', "\t "):
        harmless_cell(piece * 300_000)
    assert time.monotonic() - began < 2


def test_it_is_streamed_and_bounded(as_viewer: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    made_all = [str(factories.waiting_export(cast, allow_duplicate=True).pk) for _ in range(7)][::-1]
    monkeypatch.setattr(pagination, "CHUNK_ROWS", 3)
    assert [line["number"] for line in lines(as_viewer)] == made_all
    monkeypatch.setattr(exports_csv, "MAX_CSV_ROWS", 5)
    assert [line["number"] for line in lines(as_viewer)] == made_all[:5]


def test_it_takes_few_queries(as_viewer: Client, cast: Cast, django_assert_max_num_queries: Any) -> None:
    for _ in range(10):
        factories.failed_export(cast)
    with django_assert_max_num_queries(5):
        assert len(lines(as_viewer)) == 10


def test_another_team_gets_404(as_outsider: Client, cast: Cast) -> None:
    factories.waiting_export(cast)
    assert as_outsider.get(HISTORY).status_code == 404
    assert b"".join(as_outsider.get("/t/other-team/exports.csv")).count(b"\n") == 1
    assert Export.objects.count() == 1
