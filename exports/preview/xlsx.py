"""Reads the first rows of a workbook's first sheet as text. No formula is computed, no XML entity is expanded, and the
bytes unpacked are bounded. ECMA-376, part 1: 18.2 (workbook), 18.3.1.4 (cells), 18.4.8 (shared strings), 18.8
(styles).
"""

import re
import time
from dataclasses import dataclass, field
from typing import Final

from exports.preview.cells import MAX_CELL_LENGTH, MAX_ROWS, Grid, PreviewError
from exports.preview.number_formats import classify_format, format_number
from exports.storage.safe_zip import Archive
from exports.storage.workbook_package import Package, Relationship, StopParsing

MAX_CELLS_PER_ROW: Final = 1000
MAX_PART_BYTES: Final = 1024 * 1024
MAX_SHEET_BYTES: Final = 8 * 1024 * 1024
MAX_SHARED_STRINGS_BYTES: Final = 16 * 1024 * 1024
MAX_SECONDS: Final = 2.0
MAX_SHEETS: Final = 50
# Not the halves of a character beyond 16 bits, which no text of Python holds.
ESCAPED: Final = re.compile(r"_x((?![Dd][89A-Fa-f])[0-9A-Fa-f]{4})_")


@dataclass
class _Workbook:
    """What the main part says: (name, id of its relationship) of each sheet that is not hidden, and the hidden ones."""

    sheets: list[tuple[str, str]] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    is_1904: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            reference = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            is_hidden = attributes.get("state", "visible") != "visible"
            (self.hidden if is_hidden else self.sheets).append((attributes.get("name", ""), reference))
        elif name == "workbookPr":
            self.is_1904 = attributes.get("date1904", "") in ("1", "true")


@dataclass
class Sheet:
    """A sheet with cells of an open workbook. `target`: its part. `by_id`: what the workbook refers to."""

    package: Package
    name: str
    target: str
    by_id: dict[str, Relationship]
    is_1904: bool

    @classmethod
    def find(cls, archive: Archive, number: int = 0) -> "Sheet":
        """Finds the sheet with this number among those of `find_all`. Raises PreviewError, PackageError."""
        sheets = cls.find_all(archive)
        if number >= len(sheets):
            raise PreviewError("The workbook has no such sheet.")
        return sheets[number]

    @classmethod
    def find_all(cls, archive: Archive) -> "list[Sheet]":
        """Finds the sheets that are tables, not charts and dialogs, at most MAX_SHEETS; hidden ones last.

        Raises PreviewError, where there is none, and PackageError.
        """
        package = Package(archive)
        main = package.main_part()
        workbook = _Workbook()
        package.parse(main, workbook.start, max_bytes=MAX_PART_BYTES)
        by_id = {relationship.id: relationship for relationship in package.relationships(main)}
        sheets = [
            cls(package, name, by_id[reference].target, by_id, workbook.is_1904)
            for name, reference in [*workbook.sheets, *workbook.hidden]
            if reference in by_id and by_id[reference].type in ("worksheet", "")
        ]
        if not sheets:
            raise PreviewError("The workbook names no sheet.")
        return sheets[:MAX_SHEETS]

    @property
    def shared_strings(self) -> str:
        """The part with the texts that cells share, "" where the workbook has none."""
        part = _part_of_type(self.by_id, "sharedStrings") or "xl/sharedstrings.xml"
        return part if part in self.package.parts else ""


def read_first_sheet(archive: Archive) -> tuple[Grid, str]:
    """Returns the first rows of the first sheet with cells, and its name. Raises PreviewError, PackageError."""
    deadline = time.monotonic() + MAX_SECONDS
    sheet = Sheet.find(archive)
    reader = CellCollector()
    reader.has_more = sheet.package.parse(
        sheet.target, reader.start, reader.end, reader.text, max_bytes=MAX_SHEET_BYTES, deadline=deadline
    )
    last_index = max(reader.shared_string_indexes, default=-1)
    shared_strings = _read_shared_strings(sheet, last_index, deadline)
    kinds = read_number_kinds(sheet)
    rows = [[cell.to_text(shared_strings, kinds, is_1904=sheet.is_1904) for cell in row] for row in reader.rows]
    return Grid(rows[: MAX_ROWS + 1], reader.has_more), sheet.name


@dataclass(slots=True)
class Cell:
    """A cell as the sheet has it."""

    kind: str = "n"
    style: int = 0
    value: str = ""
    formula: str = ""

    def to_text(self, shared_strings: list[str], number_kinds: list[str], *, is_1904: bool) -> str:
        """Returns the cell as text. A formula without a stored result is shown as written."""
        if self.kind == "s":
            index = int(self.value) if self.value.isdecimal() and len(self.value) < 10 else -1
            return unescape(shared_strings[index]) if 0 <= index < len(shared_strings) else ""
        if self.kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(self.value, self.value)
        if self.kind == "d":
            return self.value.removesuffix("T00:00:00").replace("T", " ")
        if self.value and self.kind == "n" and self.style < len(number_kinds):
            return format_number(self.value, number_kinds[self.style], is_1904=is_1904)
        text = unescape(self.value) if self.kind in ("str", "inlineStr") else self.value
        return text or (f"={self.formula}" if self.formula else "")


def unescape(text: str) -> str:
    """A text with the characters that XML cannot hold in the place of their signs, such as `_x000D_` (22.9.2.19)."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


@dataclass
class CellCollector:
    """The parser's handlers for a sheet. They collect cells, and stop the parsing after `max_rows` rows.

    What a cell has beyond `max_length` characters is left out.
    """

    max_rows: int = MAX_ROWS + 1
    max_length: int = MAX_CELL_LENGTH + 1
    rows: list[list[Cell]] = field(default_factory=list)
    shared_string_indexes: list[int] = field(default_factory=list)
    in_phonetic: bool = False
    has_more: bool = False
    cell: Cell | None = None
    open_element: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            if len(self.rows) >= self.max_rows:
                raise StopParsing
            self.rows.append([])
        elif name == "c" and self.rows:
            self.cell = self._add_cell(self.rows[-1], attributes)
        self.in_phonetic = self.in_phonetic or name == "rPh"  # the pronunciation is not part of the text
        self.open_element = name if name in ("v", "t", "f") and not self.in_phonetic else ""

    def _add_cell(self, row: list[Cell], attributes: dict[str, str]) -> Cell | None:
        """Adds a cell in the column it names; returns None for one out of order or beyond MAX_CELLS_PER_ROW."""
        column = column_index(attributes.get("r", ""), len(row))
        if not len(row) <= column < MAX_CELLS_PER_ROW:
            return None
        row.extend(Cell() for _ in range(column - len(row)))
        style = attributes.get("s", "")
        row.append(Cell(attributes.get("t", "n"), int(style) if style.isdecimal() and len(style) < 10 else 0))
        return row[-1]

    def text(self, text: str) -> None:
        if self.cell is None or not self.open_element:
            return
        if self.open_element == "f":
            self.cell.formula = (self.cell.formula + text)[: self.max_length]
        else:
            self.cell.value = (self.cell.value + text)[: self.max_length]

    def end(self, name: str) -> None:
        self.open_element = ""
        self.in_phonetic = self.in_phonetic and name != "rPh"
        if name == "c" and self.cell is not None:
            if self.cell.kind == "s" and self.cell.value.isdecimal() and len(self.cell.value) < 10:
                self.shared_string_indexes.append(int(self.cell.value))
            self.cell = None


def column_index(reference: str, default: int) -> int:
    """Returns the column of a cell reference, counted from 0: that of "C7" is 2."""
    letters = re.match("[A-Z]{1,3}", reference)
    if letters is None:
        return default
    column = 0
    for letter in letters[0]:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _part_of_type(by_id: dict[str, Relationship], type_: str) -> str:
    """The part that the workbook uses for this, "" where it has none."""
    return next((relationship.target for relationship in by_id.values() if relationship.type == type_), "")


@dataclass
class StringCollector:
    """The parser's handlers for shared strings. They stop the parsing after `max_strings`.

    What a string has beyond `max_length` characters is left out.
    """

    max_strings: int
    max_length: int
    strings: list[str] = field(default_factory=list)
    in_text: bool = False
    in_phonetic: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "si":
            if len(self.strings) >= self.max_strings:
                raise StopParsing
            self.strings.append("")
        self.in_phonetic = self.in_phonetic or name == "rPh"  # the pronunciation is not part of the text
        self.in_text = name == "t" and not self.in_phonetic

    def end(self, name: str) -> None:
        self.in_text = False
        self.in_phonetic = self.in_phonetic and name != "rPh"

    def text(self, text: str) -> None:
        if self.in_text and self.strings:
            self.strings[-1] = (self.strings[-1] + text)[: self.max_length]


def _read_shared_strings(sheet: Sheet, last_index: int, deadline: float) -> list[str]:
    """Returns the shared strings up to `last_index`."""
    if last_index < 0 or not sheet.shared_strings:
        return []
    reader = StringCollector(last_index + 1, MAX_CELL_LENGTH + 1)
    sheet.package.parse(
        sheet.shared_strings,
        reader.start,
        reader.end,
        reader.text,
        max_bytes=MAX_SHARED_STRINGS_BYTES,
        deadline=deadline,
    )
    return reader.strings


def read_number_kinds(sheet: Sheet) -> list[str]:
    """Returns what the number format of each cell style shows (see number_formats.classify_format)."""
    codes: dict[str, str] = {}
    styles: list[str] = []
    open_elements: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_elements.append(name)
        if name == "numFmt":
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and open_elements[-2:-1] == ["cellXfs"]:
            styles.append(attributes.get("numFmtId", ""))

    def end(name: str) -> None:
        open_elements.pop()

    part = _part_of_type(sheet.by_id, "styles") or "xl/styles.xml"
    if part in sheet.package.parts:
        sheet.package.parse(part, start, end, max_bytes=MAX_PART_BYTES)
    kinds = {
        number: classify_format(int(number) if number.isdecimal() and len(number) < 10 else 0, codes.get(number, ""))
        for number in set(styles)
    }
    return [kinds[number] for number in styles]
