"""Previews read a bounded part of a file in any encoding; nothing in it is executed or extracted."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exports.preview import archives, tables
from exports.preview.archives import Tree
from exports.preview.cells import MAX_CELL_LENGTH, MAX_ROWS, PreviewError
from exports.preview.formats import make_preview
from exports.preview.tables import Table
from exports.sandbox.sheets import build_csv, build_xlsx

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
BOOK = (
    f'<workbook {MAIN} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Orders" sheetId="1" r:id="rId1"/><sheet name="Other" sheetId="2" r:id="rId2"/></sheets>'
    "</workbook>"
)
RELS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[bytes], Path]:
    def keep(data: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(data)
        return path

    return keep


Keep = Callable[[bytes], Path]


def table(path: Path, format_: str = "csv") -> Table:
    found = make_preview(path, format_)
    assert isinstance(found, Table)
    return found


def tree(path: Path) -> Tree:
    found = make_preview(path, "zip")
    assert isinstance(found, Tree)
    return found


def packed(members: dict[str, bytes | str], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def book(rows: str, **more: bytes | str) -> bytes:
    sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    named = {name.replace("__", "/") + ".xml": data for name, data in more.items()}
    members: dict[str, bytes | str] = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELS}
    return packed({**members, "xl/worksheets/sheet1.xml": sheet, **named})


# ---------------------------------------------------------------- csv


@pytest.mark.parametrize(
    ("codec", "said"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("cp1252", "Windows-1252"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", None),
    ],
)
def test_the_encoding_is_detected(kept: Keep, codec: str, said: str | None) -> None:
    text = "Prénom;Größe €\r\nChloé;1,5\r\n"
    data = text.encode(codec)
    if said is None:
        data, said = b"\xff\xfe" + data, "UTF-16"
    found = table(kept(data))
    assert (found.head, found.rows) == (["Prénom", "Größe €"], [["Chloé", "1,5"]])
    assert found.reading_note == f"{said}, columns parted by semicolons"
    assert not found.has_more


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(kept: Keep, delimiter: str) -> None:
    other = ";" if delimiter != ";" else ","
    rows = [["a", "b", "c"], [f"x{other}y{other}z", "2", "3"], ["4", f'"{other}"', "6"]]
    text = "\n".join(delimiter.join(row) for row in rows)
    assert [table(kept(text.encode())).head, *table(kept(text.encode())).rows][1][0] == rows[1][0]


def test_quoted_line_ends_and_excels_separator_line_are_understood(kept: Keep) -> None:
    found = table(kept(b'sep=;\r\na;b\r\n"one\r\ntwo";"x;y"\r\n'))
    assert (found.head, found.rows) == (["a", "b"], [["one\ntwo", "x;y"]])


def test_only_the_first_rows_of_a_long_file_are_read(kept: Keep) -> None:
    found = table(kept(b"a,b\n" + b"1,2\n" * 500_000))
    assert len(found.rows) == MAX_ROWS
    assert found.has_more


def test_a_row_cut_by_the_bound_is_left_out(kept: Keep) -> None:
    wide = "é" * 50_000
    found = table(kept("\n".join(["a,b", *[f"{n},{wide}" for n in range(9)]]).encode()))
    assert found.has_more
    assert [row[0] for row in found.rows] == ["0", "1"]
    assert all(len(cell) <= MAX_CELL_LENGTH + 1 for row in found.rows for cell in row)


def test_the_number_of_columns_is_bounded(kept: Keep) -> None:
    found = table(kept((",".join(map(str, range(500))) + "\n1,2\n").encode()))
    assert len(found.head) == tables.MAX_COLUMNS == len(found.rows[0])
    assert found.cut_columns


def test_control_characters_are_replaced_by_a_visible_sign(kept: Keep) -> None:
    found = table(kept("a,b\nx\u202egpj.exe,\x1b[31m\n".encode()))
    assert found.rows == [["x\N{WHITE SQUARE}gpj.exe", "\N{WHITE SQUARE}[31m"]]


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\x00\xff" * 5000, b'"' * 300_000, b"\xff\xfe\x00"])
def test_undecodable_bytes_are_replaced(kept: Keep, data: bytes) -> None:
    assert isinstance(make_preview(kept(data), "csv"), Table)


def test_formulas_are_counted_and_numbers_are_not(kept: Keep) -> None:
    found = table(kept(b"a,b\n=1+1,-5\n@x,+33 1\n-2+3,1\n"))
    assert found.formulas == 3


# ---------------------------------------------------------------- xlsx


def test_the_csv_and_the_xlsx_of_the_stand_in_have_the_same_preview(tmp_path: Path, kept: Keep) -> None:
    columns = {"order.id": "Number", "user.full_name": "Who"}
    one = table(kept(build_csv("4001", columns, None).read()))
    (tmp_path / "book").write_bytes(build_xlsx("4001", columns, None).read())
    two = table(tmp_path / "book", "xlsx")
    assert one.head == two.head == ["Number", "Who"]
    assert one.rows == two.rows
    assert "Orders (stand-in)" in two.reading_note


def test_every_type_of_cell_is_shown(kept: Keep) -> None:
    rows = (
        '<row><c t="s"><v>1</v></c><c t="inlineStr"><is><t>in </t><r><t>line</t></r></is></c><c><v>1.5</v></c></row>'
        '<row><c r="B2" t="b"><v>1</v></c><c r="C2"><f>SUM(A1:A9)</f></c><c r="D2"><f>1+1</f><v>2</v></c></row>'
        '<row><c s="1"><v>45292.5</v></c><c s="2"><v>45292</v></c><c s="0"><v>45292</v></c>'
        '<c t="e"><v>#REF!</v></c></row>'
    )
    texts = f"<sst {MAIN}><si><t>no</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>x</t></rPh></si></sst>"
    styles = (
        f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellStyleXfs>'
        '<xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs>'
        "</styleSheet>"
    )
    found = table(kept(book(rows, xl__sharedStrings=texts, xl__styles=styles)), "xlsx")
    assert found.head == ["rich text", "in line", "1.5", ""]
    assert found.rows == [["", "TRUE", "=SUM(A1:A9)", "2"], ["2024-01-01 12:00", "2024-01-01", "45292", "#REF!"]]


def test_only_the_first_rows_of_a_long_sheet_are_read(kept: Keep) -> None:
    found = table(kept(book("<row><c><v>1</v></c></row>" * 5000)), "xlsx")
    assert len(found.rows) == MAX_ROWS
    assert found.has_more


BOMB = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = [
    f'<!DOCTYPE x [<!ENTITY l0 "ha">{BOMB}]><worksheet {MAIN}><row><c><v>&l9;</v></c></row></worksheet>',
    f'<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet {MAIN}/>',
    f'<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1/">%p;]><worksheet {MAIN}/>',
]


@pytest.mark.parametrize("sheet", DOCTYPES)
def test_document_type_declarations_are_refused(kept: Keep, sheet: str) -> None:
    with pytest.raises(PreviewError, match="declarations"):
        make_preview(kept(book("", xl__worksheets__sheet1=sheet)), "xlsx")


def test_a_sheet_that_decompresses_to_a_huge_size_is_read_in_part(kept: Keep) -> None:
    padding = "<!--" + " " * 40_000_000 + "-->"
    found = table(kept(book(f"<row><c><v>1</v></c></row>{padding}<row><c><v>2</v></c></row>")), "xlsx")
    assert found.head == ["1"]
    assert found.has_more


def test_other_compression_methods_are_refused(kept: Keep) -> None:
    members: dict[str, bytes | str] = {"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELS}
    with pytest.raises(PreviewError, match="packed in a way"):
        make_preview(kept(packed(members, zipfile.ZIP_BZIP2)), "xlsx")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x05\x06",
        b"nothing",
        packed({"a": "b"}),
        packed({"xl/workbook.xml": "<workbook>", "xl/_rels/workbook.xml.rels": RELS}),
        packed({"xl/workbook.xml": "<workbook/>", "xl/_rels/workbook.xml.rels": RELS}),
        packed({"xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": RELS}),
    ],
)
def test_a_file_that_is_no_workbook_is_reported_in_one_sentence(kept: Keep, data: bytes) -> None:
    with pytest.raises(PreviewError):
        make_preview(kept(data), "xlsx")


# ---------------------------------------------------------------- zip, and the rest


def test_an_archive_is_shown_as_a_tree_with_sizes(kept: Keep) -> None:
    members: dict[str, Any] = {
        "readme.txt": "hello",
        "assets/a.png": b"x" * 10,
        "assets/deep/b.png": b"y" * 20,
        "c/": "",
    }
    found = tree(kept(packed(members)))
    assert (found.count, found.size) == (3, 35)
    assets, c, readme = found.root.sorted_children
    assert (assets.name, assets.count, assets.size, assets.is_folder) == ("assets", 2, 30, True)
    assert (c.name, c.is_folder, c.count) == ("c", True, 0)
    assert (readme.name, readme.size, readme.is_folder) == ("readme.txt", 5, False)


def test_unsafe_names_of_members_are_shown_as_text(kept: Keep) -> None:
    found = tree(kept(packed({"../../etc/passwd": "x", "/root": "y", "a\u202eb": "z"})))
    assert [node.name for node in found.root.sorted_children] == ["..", "a\N{WHITE SQUARE}b", "root"]


def test_many_members_are_counted_and_the_first_are_shown(kept: Keep) -> None:
    found = tree(kept(packed({f"d{n % 20}/f{n}": "x" for n in range(5000)})))
    assert found.count == found.size == 5000

    def shown(node: archives.TreeNode) -> int:
        return sum(1 + shown(one) for one in node.sorted_children)

    def left(node: archives.TreeNode) -> int:
        return node.omitted_files + sum(left(one) for one in node.sorted_children)

    assert shown(found.root) <= archives.MAX_NODES
    files = sum(not one.is_folder for folder in found.root.sorted_children for one in folder.sorted_children)
    assert files + left(found.root) == 5000


def test_the_time_for_a_directory_is_bounded(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_SECONDS", 0.0)
    found = tree(kept(packed({f"f{n}": "x" for n in range(2000)})))
    assert found.is_cut
    assert found.count == 999


def test_the_depth_of_a_path_is_bounded(kept: Keep) -> None:
    found = tree(kept(packed({"/".join("d" * 200) + "/f": "x"})))
    node, depth = found.root, 0
    while node.sorted_children:
        node, depth = node.sorted_children[0], depth + 1
    assert depth == archives.MAX_DEPTH + 1


def test_a_zip_bomb_is_listed_without_decompressing_it(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"zeros": b"\0" * 50_000_000})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    assert tree(kept(data)).size == 50_000_000


def test_a_directory_that_is_too_long_is_not_read(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    with pytest.raises(PreviewError, match="too many members"):
        tree(kept(packed({f"{n}": "" for n in range(10)})))


def test_the_size_of_a_zip64_archive_is_read(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 5)
    data = packed({f"{n}": "x" for n in range(10)})
    assert b"PK\x06\x06" in data
    assert tree(kept(data)).count == 10
    monkeypatch.setattr(archives, "MAX_DIRECTORY_BYTES", 100)
    with pytest.raises(PreviewError, match="too many members"):
        tree(kept(data))


def test_a_format_without_a_preview_is_reported(kept: Keep) -> None:
    assert make_preview(kept(b"x"), "none") is None
