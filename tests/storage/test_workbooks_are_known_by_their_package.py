"""A workbook is what its package says it is, under whatever names; another package is none."""

import zipfile
from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
BOOK = f'<?xml version="1.0"?><!-- made --><x:workbook xmlns:x="{MAIN}"><x:sheets/></x:workbook>'


def rels(target: str, office: str = OFFICE) -> str:
    types = "http://schemas.openxmlformats.org/package/2006/relationships"
    other = f'<Relationship Id="r0" Type="{OFFICE}/extended-properties" Target="docProps/app.xml"/>'
    main = f'<Relationship Id="r1" Type="{office}/officeDocument" Target="{target}"/>'
    return f'<Relationships xmlns="{types}">{other}{main}</Relationships>'


def sheets(
    text: str, *, drop: str = "", strings: str = "<sst/>", target: str = "worksheets/sheet1.xml"
) -> dict[str, str]:
    """A workbook with one sheet, without the part `drop`."""
    types = "http://schemas.openxmlformats.org/package/2006/relationships"
    links = (
        f'<p:Relationship Id="r1" Type="{OFFICE}/worksheet" Target="{target}"/>'
        f'<p:Relationship Id="r2" Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    )
    parts = {
        "_rels/.rels": rels("xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns:r="{OFFICE}"><sheets><sheet name="A" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<p:Relationships xmlns:p="{types}">{links}</p:Relationships>',
        "xl/worksheets/Sheet1.xml": text,
        "xl/sharedStrings.xml": strings,
    }
    return {name: part for name, part in parts.items() if name != drop}


def check(tmp_path: Path, **more: str) -> str:
    path = tmp_path / "book"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        for name, text in more.items():
            # zipfile would write / for \ in names.
            info = zipfile.ZipInfo("x")
            info.filename = name
            made.writestr(info, text)
    return verify(path, "xlsx")


@pytest.mark.parametrize(
    ("part", "target"),
    [
        ("xl/workbook.xml", "xl/workbook.xml"),
        ("xl/workbook2.xml", "/xl/workbook2.xml"),
        ("book/main.xml", "./xl/../book/main.xml"),
        ("xl\\workbook.xml", "xl/workbook.xml"),
        ("XL/Workbook.xml", "xl/workbook.xml"),
        ("xl/the book.xml", "xl/the%20book.xml"),
        ("xl/workbook.xml", "xl\\workbook.xml"),
    ],
)
def test_the_relationships_name_the_main_part(tmp_path: Path, part: str, target: str) -> None:
    assert check(tmp_path, **{"_rels/.rels": rels(target), part: BOOK}) == ""


def test_names_with_backslashes_are_taken_for_every_part(tmp_path: Path) -> None:
    assert check(tmp_path, **{"_rels\\.rels": rels("xl/workbook.xml"), "xl\\workbook.xml": BOOK}) == ""


def test_a_strict_workbook_is_one(tmp_path: Path) -> None:
    book = BOOK.replace(MAIN, STRICT_MAIN)
    assert check(tmp_path, **{"_rels/.rels": rels("xl/workbook.xml", STRICT_OFFICE), "xl/workbook.xml": book}) == ""


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"_rels/.rels": rels("word/document.xml"), "word/document.xml": "<w:document/>"}, "not a workbook"),
        ({"_rels/.rels": rels("xl/workbook.xml")}, "lacks its main part"),
        ({"_rels/.rels": rels("xl/workbook.xml").replace("/officeDocument", "/x"), "xl/workbook.xml": BOOK}, "not a"),
        ({"_rels/.rels": "<Relationships", "xl/workbook.xml": BOOK}, "cannot be read"),
        ({"content.xml": "<office:document/>"}, "not a workbook"),
    ],
)
def test_another_package_is_no_workbook(tmp_path: Path, parts: dict[str, str], why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        check(tmp_path, **parts)


@pytest.mark.parametrize("part", ["_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
@pytest.mark.parametrize("encoding", ["nonsense", "hex", "utf-7"])
def test_of_an_encoding_that_is_not_known_it_is_said(tmp_path: Path, part: str, encoding: str) -> None:
    parts = sheets("<worksheet/>")
    parts[part] = f'<?xml version="1.0" encoding="{encoding}"?>' + parts[part]
    assert "could not be checked: their encoding" in check(tmp_path, **parts)


WITH_TEXT = '<worksheet><sheetData><row><c t="s"><v>0</v></c></row></sheetData></worksheet>'
NUMBERS = "<x:worksheet><x:sheetData><x:row><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>\n<!-- end -->\n"


@pytest.mark.parametrize(
    "parts",
    [
        sheets(WITH_TEXT),
        sheets(NUMBERS, drop="xl/sharedStrings.xml"),
        sheets(NUMBERS, target="/xl/worksheets/sheet1.xml"),
        sheets("<worksheet xmlns:x='y'/>"),
        sheets("<x:chartsheet xmlns:x='y'/>"),
        sheets("<worksheet><sheetData><row><c><v>\x01</v></c></row></sheetData></worksheet>"),
    ],
)
def test_a_workbook_with_the_parts_of_its_sheets_is_kept(tmp_path: Path, parts: dict[str, str]) -> None:
    assert check(tmp_path, **parts) == ""


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (sheets(WITH_TEXT, drop="xl/worksheets/Sheet1.xml"), "lacks its sheet xl/worksheets/sheet1.xml"),
        (sheets(WITH_TEXT, drop="xl/sharedStrings.xml"), "lacks the texts of its cells"),
        (sheets(WITH_TEXT, drop="xl/_rels/workbook.xml.rels"), "lacks its part"),
        (sheets(WITH_TEXT[:-1]), "is cut off"),
        (sheets(WITH_TEXT[: WITH_TEXT.index("</sheetData>")]), "is cut off"),
        (sheets("<worksheet><sheetData/>"), "is cut off"),
        (sheets(" "), "is cut off"),
        (sheets("<Error><Code>NoSuchKey</Code></Error>"), "is no sheet"),
        (sheets("<html><body>504</body></html>"), "is no sheet"),
        (sheets(WITH_TEXT, strings="<sst><si><t>one</t></si><si>"), "sharedstrings.xml is cut off"),
    ],
)
def test_a_workbook_without_a_part_of_its_sheets_is_a_bad_file(tmp_path: Path, parts: dict[str, str], why: str) -> None:
    with pytest.raises(BadFileError, match=why):
        check(tmp_path, **parts)
