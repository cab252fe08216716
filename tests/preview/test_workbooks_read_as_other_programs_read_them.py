"""Previews of workbooks that openpyxl and XlsxWriter wrote show what was written: days, times, durations, texts."""

import io
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from exports.preview.cells import clip_text
from exports.preview.formats import make_preview
from exports.preview.number_formats import DATE, DATE_TIME, DURATION, TIME, classify_format, format_number
from exports.preview.tables import Table
from exports.storage.verify import verify

Cell = tuple[Any, str]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: text.strip() and not text.startswith("=") and not openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.search(text)
)
DATES = st.dates(date(1904, 1, 2), date(9999, 12, 30))
MOMENTS = st.builds(
    lambda day, second: datetime.combine(day, time()) + timedelta(seconds=second), DATES, st.integers(0, 86399)
)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    TEXTS.map(lambda text: (text, "General")),
    st.integers(-(10**9), 10**9).map(lambda number: (number, "0")),
    st.booleans().map(lambda value: (value, "General")),
    st.tuples(
        DATES, st.sampled_from(["yyyy-mm-dd", "mm-dd-yy", "d. mmmm yyyy", "mmmm", "mmm-yy", '[$-40C]d" le "mmmm'])
    ),
    st.tuples(MOMENTS, st.sampled_from(["yyyy-mm-dd hh:mm:ss", "m/d/yy h:mm", "dd.mm.yyyy h:mm AM/PM"])),
    st.tuples(
        st.times().map(lambda at: at.replace(microsecond=0)),
        st.sampled_from(["h:mm:ss", "h:mm AM/PM", "hh:mm", "mm:ss"]),
    ),
    st.tuples(
        st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds)),
        st.sampled_from(["[h]:mm:ss", "[hh]:mm", "[mm]:ss"]),
    ),
)


def shown_text(value: Any) -> str:
    """What a preview says for a value."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, timedelta):
        seconds = round(value.total_seconds())
        return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(value, datetime):
        clock = shown_text(value.time())
        return f"{value:%Y-%m-%d}".zfill(10) + (f" {clock}" if value.time() != time() else "")
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}".zfill(10)
    if isinstance(value, time):
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    return clip_text(str(value))


def by_openpyxl(rows: list[list[Cell]], *, is_1904: bool) -> bytes:
    book = openpyxl.Workbook()
    if is_1904:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    for number, row in enumerate(rows, 1):
        for column, (value, number_format) in enumerate(row, 1):
            cell = sheet.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"
            if number_format != "General":
                cell.number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_xlsxwriter(rows: list[list[Cell]], *, is_1904: bool) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "date_1904": is_1904}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, (value, number_format) in enumerate(row):
                style = book.add_format({"num_format": number_format})
                if isinstance(value, str):
                    sheet.write_string(number, column, value, style)
                elif isinstance(value, date | time | timedelta):
                    sheet.write_datetime(number, column, value, style)
                else:
                    sheet.write(number, column, value, style)
    return out.getvalue()


@pytest.mark.parametrize("write", [by_openpyxl, by_xlsxwriter])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=6), is_1904=st.booleans())
def test_what_was_written_is_shown(
    tmp_path: Path, write: Callable[..., bytes], rows: list[list[Cell]], is_1904: bool
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(write(rows, is_1904=is_1904))
    assert verify(path, "xlsx") == ""
    shown = make_preview(path, "xlsx")
    assert isinstance(shown, Table)
    width = max(map(len, rows))
    expected = [[shown_text(value) for value, _ in row] + [""] * (width - len(row)) for row in rows]
    assert [shown.head, *shown.rows] == expected


def test_a_chart_first_is_passed_over_for_the_table(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        chart_sheet = book.add_chartsheet("Chart")
        table = book.add_worksheet("Orders")
        table.write_row(0, 0, ["id", "total"])
        table.write_row(1, 0, [1, 5])
        chart = book.add_chart({"type": "bar"})
        chart.add_series({"values": "=Orders!$B$2:$B$2"})
        chart_sheet.set_chart(chart)
    shown = make_preview(path, "xlsx")
    assert isinstance(shown, Table)
    assert (shown.head, shown.rows) == (["id", "total"], [["1", "5"]])
    assert "Orders" in shown.reading_note


def test_a_hidden_sheet_comes_last(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        hidden, shown_sheet = book.add_worksheet("Codes"), book.add_worksheet("Orders")
        hidden.write(0, 0, "code")
        shown_sheet.write(0, 0, "order")
        shown_sheet.activate()
        hidden.hide()
    shown = make_preview(path, "xlsx")
    assert isinstance(shown, Table)
    assert shown.head == ["order"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("General", ""),
        ("0.00", ""),
        ("#,##0.00 [$€-407]", ""),
        ('"days"', ""),
        ("0.00E+00", ""),
        ("[Red]0", ""),
        ("Standard", ""),
        ("@", ""),
        ("0\\h", ""),
        ("mmmm", DATE),
        ("mm", DATE),
        ("dddd", DATE),
        ("yyyy", DATE),
        ("[$-F800]dddd, mmmm dd, yyyy", DATE),
        ("h:mm", TIME),
        ("mm:ss.0", TIME),
        ("h", TIME),
        ("m/d/yy h:mm", DATE_TIME),
        ("yyyy\\-mm\\-dd\\ hh:mm", DATE_TIME),
        ("[h]:mm:ss", DURATION),
        ("[mm]:ss", DURATION),
        ("h:mm;@", TIME),
    ],
)
def test_a_number_format_is_understood(code: str, kind: str) -> None:
    assert classify_format(164, code) == kind


@pytest.mark.parametrize(
    ("value", "kind", "is_1904", "shown"),
    [
        ("1", DATE, False, "1900-01-01"),
        ("59", DATE, False, "1900-02-28"),
        ("60", DATE, False, "1900-02-29"),
        ("61", DATE, False, "1900-03-01"),
        ("0", DATE, True, "1904-01-01"),
        ("2958465", DATE, False, "9999-12-31"),
        ("2958466", DATE, False, "2958466"),
        ("-1", DATE, False, "-1"),
        ("43462.999999", DATE_TIME, False, "2018-12-29"),
        ("0.5", DATE_TIME, False, "12:00"),
        ("1.25", DURATION, False, "30:00:00"),
        ("-0.5", DURATION, True, "-12:00:00"),
        ("1e400", DATE, False, "1e400"),
        ("text", DATE, False, "text"),
    ],
)
def test_a_number_at_the_edge_is_shown_as_spreadsheets_do(value: str, kind: str, is_1904: bool, shown: str) -> None:
    assert format_number(value, kind, is_1904=is_1904) == shown
