"""Comparing files that were made to harm takes little memory and time, and ends in changes or in a sentence."""

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from exports.errors import InvalidError
from exports.preview import comparison_archives, comparison_tables, table_rows
from exports.preview.cells import PreviewError
from exports.preview.comparison_archives import compare_archives
from exports.preview.comparison_films import compare_films
from exports.preview.comparison_tables import TableChanges, column_labels, compare_tables
from exports.preview.formats import READ_ERRORS
from exports.preview.sheet_rows import SheetRows
from exports.sandbox.video import build_mp4
from exports.storage import safe_zip
from exports.storage.workbook_package import PackageError
from tests.helpers.fuzzing import MAX_SECONDS, MAX_WALL_SECONDS, within_bounds
from tests.helpers.kept_exports import csv_bytes, zip_bytes

PLAIN = b"id;name\n1;a\n2;b\n"
ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet><sheetData><row><c t="str"><v>&b;</v></c></row>'
    b"</sheetData></worksheet>"
)


def compare(folder: Path, old: bytes, new: bytes, format_: str = "csv", **more: Any) -> TableChanges:
    paths = [folder / f"{name}.{format_}" for name in ("old", "new")]
    for path, content in zip(paths, (old, new), strict=True):
        path.write_bytes(content)
    return compare_tables(paths[0], paths[1], format_, **more)


def workbook(*rows: tuple[Any, ...]) -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, row)
    book.close()
    return data.getvalue()


def with_part(data: bytes, part: str, content: bytes) -> bytes:
    """The workbook with another content of one part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, content if name == part else source.read(name))
    return out.getvalue()


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"id;name\n" + b"x" * 20_000_000, id="one cell"),
        pytest.param(b"id;name\n" + b";" * 20_000_000, id="one row of cells"),
        pytest.param(b'id;name\n"' + b"x\n" * 5_000_000, id="a quote that never closes"),
        pytest.param(b"id;name\n" + b'"\n";' * 4_000_000, id="a row over many lines"),
    ],
)
def test_rows_without_end_are_refused(tmp_path: Path, hostile: bytes) -> None:
    with within_bounds("csv"), pytest.raises(PreviewError):
        compare(tmp_path, PLAIN, hostile)


@pytest.mark.slow(seconds=6)
def test_fifty_thousand_rows_take_little_memory(tmp_path: Path) -> None:
    old = csv_bytes(*(["id", *"abcdefgh"], *([n, *[f"value {n % 100}"] * 8] for n in range(50_000))))
    new = csv_bytes(*(["id", *"abcdefgh"], *([n, *[f"value {n % 99}"] * 8] for n in range(100, 50_100))))
    begun = time.process_time()
    compare(tmp_path, old, new, samples=20)
    assert time.process_time() - begun < MAX_SECONDS
    # Once more for the memory: tracing each allocation takes several times as long as the work.
    with within_bounds("csv", max_bytes=64 * 1024 * 1024, max_seconds=MAX_WALL_SECONDS):
        found = compare(tmp_path, old, new, samples=20)
    assert (found.rows, found.added, found.removed) == ((50_000, 50_000), 100, 100)


def test_more_rows_than_the_limit_are_refused_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_tables, "MAX_ROWS", 1)
    with pytest.raises(PreviewError, match="more than 1 rows"):
        compare(tmp_path, PLAIN, PLAIN)


def test_the_time_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_tables, "MAX_SECONDS", -1.0)
    with pytest.raises(PreviewError, match="takes longer"):
        compare(tmp_path, PLAIN, PLAIN)
    with pytest.raises(PreviewError, match=r"takes (too long|longer)"):
        compare(tmp_path, workbook(("id",), (1,)), workbook(("id",), (2,)), "xlsx")


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    plain = workbook(("id",), (1,))
    row = b'<row r="1">' + b'<c r="A1"><v>1</v></c>' * 1_000_000
    bomb = with_part(plain, "xl/worksheets/sheet1.xml", b"<worksheet><sheetData>" + row)
    with within_bounds("xlsx"), pytest.raises((PreviewError, PackageError)):
        compare(tmp_path, plain, bomb, "xlsx")


def test_entities_of_a_workbook_are_refused(tmp_path: Path) -> None:
    plain = workbook(("id",), (1,))
    with pytest.raises((PreviewError, PackageError)):
        compare(tmp_path, plain, with_part(plain, "xl/worksheets/sheet1.xml", ENTITIES), "xlsx")


def sheet(rows: str, declaration: str = "", prefix: str = "") -> str:
    """A sheet with these rows."""
    names = [f"{prefix}worksheet", f"{prefix}sheetData"]
    return f"{declaration}<{names[0]}><{names[1]}>{rows}</{names[1]}></{names[0]}>"


@pytest.mark.parametrize(
    "xml",
    [
        b"<worksheet><sheetData/></worksheet>",
        b"<worksheet></worksheet>",
        sheet('<row r="1"><c r="A1"><v>5</v></c></row>').encode(),
        sheet('\n<row r="1"/>\n<row r="2"><c r="B2" t="str"><v>a&amp;b</v></c>\n</row>').encode(),
        sheet('<x:row><x:c t="str"><x:v>p</x:v></x:c></x:row>', prefix="x:").encode(),
        sheet('<!-- </row> --><row><c t="str"><v><![CDATA[</row>]]></v></c></row>').encode(),
        sheet('<row><c t="str"><v>1</v></c></row ><row><c><v>2</v></c></row>').encode(),
        sheet('<row><c t="inlineStr"><is><r><rPr><color/></rPr><t>a</t></r><r><t>b</t></r></is></c></row>').encode(),
        sheet('<row><c r="C1"><v>3</v></c><c r="A1"><v>1</v></c></row>').encode(),
        sheet('<row><c r="A1"><v>3</v></c><c r="C1" t="s"><v>0</v></c></row>').encode(),
        sheet(
            '<row><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>9</v></c><c r="C1" s="7"><v>1</v></c></row>'
        ).encode(),
        sheet(
            '<row><c><f>A1+1</f></c><c t="b"><v>1</v></c><c t="s"><v>99</v></c><c t="s"><v>-1</v></c></row>'
        ).encode(),
        sheet("<row><c><v>16</v></c></row>", "<?xml version='1.0' encoding='UTF-16'?>").encode("utf-16"),
        sheet("<row><c t='str'><v>é</v></c></row>", "<?xml version='1.0' encoding='ISO-8859-1'?>").encode("latin-1"),
    ],
)
def test_rows_read_quickly_and_by_the_parser_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, xml: bytes
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(with_part(workbook(("id",), (1,)), "xl/worksheets/sheet1.xml", xml))
    with safe_zip.open_zip(path) as archive:
        rows = SheetRows(archive, float("inf"))
        quick = list(rows)
        pieces = rows._pieces(rows.sheet.target, 10**6)
        assert quick == [row for row in rows._parsed_rows(pieces) if any(row)]


def test_cells_beyond_what_previews_show_are_compared(tmp_path: Path) -> None:
    long = "x" * 5000
    for format_, make in (("csv", csv_bytes), ("xlsx", lambda *rows: workbook(*rows))):
        found = compare(tmp_path, make(("id", "t"), ("1", long)), make(("id", "t"), ("1", long + "y")), format_)
        assert found.changed == 1, format_


def test_a_table_that_another_program_wrote_is_the_same(tmp_path: Path) -> None:
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in (("id", "name", "when"), (1, "Ünï & <b>", None), (2, "two\nlines", "x")):
        book.active.append(row)
    book.save(data)
    ours = workbook(("id", "name", "when"), (1, "Ünï & <b>", ""), (2, "two\nlines", "x"))
    found = compare(tmp_path, data.getvalue(), ours, "xlsx")
    assert (found.added, found.removed, found.changed, found.key) == (0, 0, 0, "id")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", PLAIN),
        (PLAIN, b"id;name\n"),
        (b"\n\n", b"\n"),
        ("id;näme\n1;a\n2;b\n".encode("cp1252"), "id;näme\n1;a\n2;b\n".encode("utf-16")),
        (b"sep=,\r\nid,name\r\n1,a\r\n2,b\r\n", PLAIN),
    ],
)
def test_empty_tables_and_other_encodings_are_compared(tmp_path: Path, old: bytes, new: bytes) -> None:
    found = compare(tmp_path, old, new, samples=3)
    assert found.rows == tuple(
        sum(1 for _ in rows) for rows in (read(tmp_path / "old.csv"), read(tmp_path / "new.csv"))
    )
    if b"n" in old and len(old) > 10:
        assert found.changed == found.added == 0


def read(path: Path) -> list[list[str]]:
    return list(table_rows.read_rows(path, "csv", table_rows.Limits(100, 10)))[1:]


def test_labels_are_each_there_once() -> None:
    assert column_labels(["two\r\nlines  of\0text"]) == ["two lines of text"]
    assert column_labels(["a", "a", "", " a ", "a (2)", ""]) == [
        "a",
        "a (2)",
        "Column 3",
        "a (3)",
        "a (2) (2)",
        "Column 6",
    ]


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError):
        compare(tmp_path, PLAIN, PLAIN, key="total")


def test_an_archive_of_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison_archives, "MAX_MEMBERS", 2)
    paths = [tmp_path / name for name in ("old.zip", "new.zip")]
    for path in paths:
        path.write_bytes(zip_bytes({"a": "", "b": "", "c": ""}))
    with pytest.raises(PreviewError, match="more than 2 files"):
        compare_archives(paths[0], paths[1])


@pytest.mark.parametrize("cut", [0, 8, 100, 300, 700])
def test_a_video_without_an_index_has_no_length(tmp_path: Path, cut: int) -> None:
    whole = build_mp4(80, None).read()
    paths = [tmp_path / name for name in ("old.mp4", "new.mp4")]
    paths[0].write_bytes(whole[:cut])
    paths[1].write_bytes(whole)
    found = compare_films(paths[0], paths[1])
    assert found.size == (cut, len(whole))
    assert found.seconds in ((None, 4.0), (4.0, 4.0))


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_bytes_that_are_no_table_end_in_an_error_that_is_known(tmp_path: Path, format_: str) -> None:
    for content in (b"\0" * 5000, bytes(range(256)) * 50, b"PK\x03\x04" * 100, b"<html>" * 100):
        try:
            compare(tmp_path, content, PLAIN, format_)
        except (PreviewError, PackageError, *READ_ERRORS):
            continue
        assert format_ == "csv"
