"""Reads the first rows of a workbook's first sheet as text. No formula is computed, no XML entity is expanded, and the
bytes unpacked are bounded. ECMA-376, part 1: 18.2 (workbook), 18.3.1.4 (cells), 18.4.8 (shared strings), 18.8.30
(number formats).
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from xml.parsers import expat

from exports.preview.cells import MAX_CELL_LENGTH, MAX_ROWS, Grid, PreviewError
from exports.storage.safe_zip import BOUNDED_COMPRESSIONS

MAX_CELLS_PER_ROW: Final = 1000
CHUNK_BYTES: Final = 64 * 1024
MAX_PART_BYTES: Final = 1024 * 1024
MAX_SHEET_BYTES: Final = 8 * 1024 * 1024
MAX_SHARED_STRINGS_BYTES: Final = 16 * 1024 * 1024
DATE_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
# Parts of a number format in quotes, in brackets or after a backslash. An unclosed one matches to the end of the text:
# a pattern that requires the closing sign takes quadratic time (minutes) on many opening ones.
QUOTED_FORMAT_PARTS: Final = re.compile(r'"[^"]*"?|\[[^\]]*\]?|\\.')
EPOCH: Final = datetime(1899, 12, 30)


class _StopParsing(Exception):
    """Ends the parsing of an XML part early."""


def read_first_sheet(archive: zipfile.ZipFile) -> tuple[Grid, str]:
    """Returns the first rows of the first sheet, and its name. Raises PreviewError."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def on_sheet(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            reference = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            sheets.append((attributes.get("name", ""), reference))

    def on_relationship(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse_part(archive, "xl/workbook.xml", on_sheet, max_bytes=MAX_PART_BYTES)
    _parse_part(archive, "xl/_rels/workbook.xml.rels", on_relationship, max_bytes=MAX_PART_BYTES)
    if not sheets or sheets[0][1] not in targets:
        raise PreviewError("The workbook names no sheet.")
    target = targets[sheets[0][1]]
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    reader = _Sheet()
    reader.has_more = _parse_part(archive, path, reader.start, reader.end, reader.text, max_bytes=MAX_SHEET_BYTES)
    shared_strings = _read_shared_strings(archive, max(reader.shared_string_indexes, default=-1))
    date_styles = _read_date_styles(archive) if reader.has_styles else frozenset()
    rows = [[cell.to_text(shared_strings, date_styles) for cell in row] for row in reader.rows]
    return Grid(rows[: MAX_ROWS + 1], reader.has_more), sheets[0][0]


@dataclass
class _Cell:
    kind: str = "n"
    style: int = 0
    value: str = ""
    formula: str = ""

    def to_text(self, shared_strings: list[str], date_styles: frozenset[int]) -> str:
        """Returns the cell as text. A formula without a stored result is shown as written."""
        if self.kind == "s":
            index = int(self.value) if self.value.isdigit() else -1
            return shared_strings[index] if 0 <= index < len(shared_strings) else ""
        if self.kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(self.value, self.value)
        if self.value and self.kind == "n" and self.style in date_styles:
            return _format_date(self.value)
        return self.value or (f"={self.formula}" if self.formula else "")


@dataclass
class _Sheet:
    """The parser's handlers for a sheet. They collect cells, and stop the parsing after MAX_ROWS + 1 rows."""

    rows: list[list[_Cell]] = field(default_factory=list)
    shared_string_indexes: list[int] = field(default_factory=list)
    has_styles: bool = False
    has_more: bool = False
    cell: _Cell | None = None
    open_element: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            if len(self.rows) > MAX_ROWS:
                raise _StopParsing
            self.rows.append([])
        elif name == "c" and self.rows:
            self.cell = self._add_cell(self.rows[-1], attributes)
        self.open_element = name if name in ("v", "t", "f") else ""

    def _add_cell(self, row: list[_Cell], attributes: dict[str, str]) -> _Cell | None:
        """Adds a cell in the column it names; returns None for one out of order or beyond MAX_CELLS_PER_ROW."""
        column = _column_index(attributes.get("r", ""), len(row))
        if not len(row) <= column < MAX_CELLS_PER_ROW:
            return None
        row.extend(_Cell() for _ in range(column - len(row)))
        style = attributes.get("s", "")
        row.append(_Cell(attributes.get("t", "n"), int(style) if style.isdigit() else 0))
        self.has_styles = self.has_styles or bool(row[-1].style)
        return row[-1]

    def text(self, text: str) -> None:
        if self.cell is None or not self.open_element:
            return
        if self.open_element == "f":
            self.cell.formula = (self.cell.formula + text)[: MAX_CELL_LENGTH + 1]
        else:
            self.cell.value = (self.cell.value + text)[: MAX_CELL_LENGTH + 1]

    def end(self, name: str) -> None:
        self.open_element = ""
        if name == "c" and self.cell is not None:
            if self.cell.kind == "s" and self.cell.value.isdigit() and len(self.cell.value) < 10:
                self.shared_string_indexes.append(int(self.cell.value))
            self.cell = None


def _column_index(reference: str, default: int) -> int:
    """Returns the column of a cell reference, counted from 0: that of "C7" is 2."""
    letters = re.match("[A-Z]{1,3}", reference)
    if letters is None:
        return default
    column = 0
    for letter in letters[0]:
        column = column * 26 + ord(letter) - 64
    return column - 1


def _read_shared_strings(archive: zipfile.ZipFile, last_index: int) -> list[str]:
    """Returns the shared strings up to `last_index`."""
    strings: list[str] = []
    if last_index < 0 or "xl/sharedStrings.xml" not in archive.namelist():
        return strings
    in_text = in_phonetic = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal in_text, in_phonetic
        if name == "si":
            if len(strings) > last_index:
                raise _StopParsing
            strings.append("")
        in_phonetic = in_phonetic or name == "rPh"  # the pronunciation is not part of the text
        in_text = name == "t" and not in_phonetic

    def end(name: str) -> None:
        nonlocal in_text, in_phonetic
        in_text = False
        in_phonetic = in_phonetic and name != "rPh"

    def text(text: str) -> None:
        if in_text and strings:
            strings[-1] = (strings[-1] + text)[: MAX_CELL_LENGTH + 1]

    _parse_part(archive, "xl/sharedStrings.xml", start, end, text, max_bytes=MAX_SHARED_STRINGS_BYTES)
    return strings


def _read_date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Returns the indexes of the cell styles that show a number as a date."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    open_elements: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        open_elements.append(name)
        if name == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "xf" and open_elements[-2:-1] == ["cellXfs"]:
            styles.append(attributes.get("numFmtId", ""))

    def end(name: str) -> None:
        open_elements.pop()

    if "xl/styles.xml" in archive.namelist():
        _parse_part(archive, "xl/styles.xml", start, end, max_bytes=MAX_PART_BYTES)

    def is_date(number: str) -> bool:
        code = QUOTED_FORMAT_PARTS.sub("", formats.get(number, "")).lower()
        return bool(re.search("[dy]", code)) or (number.isdigit() and int(number[:9]) in DATE_FORMATS)

    date_formats = {number for number in set(styles) if is_date(number)}
    return frozenset(index for index, number in enumerate(styles) if number in date_formats)


def _format_date(value: str) -> str:
    """Returns a spreadsheet's day number as a date (and time, unless it is midnight); other texts unchanged."""
    try:
        at = EPOCH + timedelta(days=float(value), milliseconds=500)
    except (ValueError, OverflowError):
        return value
    at = at.replace(microsecond=0)
    return f"{at:%Y-%m-%d}" if not (at.hour or at.minute or at.second) else f"{at:%Y-%m-%d %H:%M}"


def _parse_part(
    archive: zipfile.ZipFile,
    path: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
    *,
    max_bytes: int,
) -> bool:
    """Parses an XML part of the workbook while it is unpacked. Returns whether it stopped early. Raises PreviewError.

    The handlers get local names, without namespace prefixes. The parsing stops after `max_bytes`, or when a handler
    raises _StopParsing.
    """
    member = archive.getinfo(path)
    if member.compress_type not in BOUNDED_COMPRESSIONS or member.flag_bits & 1:
        raise PreviewError("The workbook is packed in a way that is not read here.")
    parser = expat.ParserCreate()
    # No part of a workbook needs a document type. Refusing it refuses all entities, and so every entity bomb.
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
        parser.buffer_text = True
    read_bytes = 0
    try:
        with archive.open(member) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                read_bytes += len(chunk)
                parser.Parse(chunk, False)
                if read_bytes >= max_bytes:
                    return True
            parser.Parse(b"", True)
    except _StopParsing:
        return True
    except expat.ExpatError as error:
        raise PreviewError(f"The workbook cannot be read ({expat.errors.messages.get(error.code, error)}).") from None
    return False


def _refuse(*args: object) -> int:
    raise PreviewError("The workbook holds declarations that the portal does not read.")
