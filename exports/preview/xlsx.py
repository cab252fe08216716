"""The first rows of a workbook's first sheet, read as text: no formula computed, no entity expanded, no more than so
many bytes unpacked. ECMA-376, part 1: 18.2 (workbook), 18.3.1.4 (cells), 18.4.8 (shared texts), 18.8.30 (formats).
"""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from xml.parsers import expat

from exports.storage.safe_zip import BOUNDED_COMPRESSIONS

MAX_ROWS: Final = 50
MAX_CELL_LENGTH: Final = 200
MAX_CELLS_PER_ROW: Final = 1000
CHUNK_BYTES: Final = 64 * 1024
MAX_PART_BYTES: Final = 1024 * 1024
MAX_SHEET_BYTES: Final = 8 * 1024 * 1024
MAX_SHARED_STRINGS_BYTES: Final = 16 * 1024 * 1024
# Control signs, and those that turn the direction of writing around, are shown as a box.
UNPRINTABLE: Final = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]"
)
DATE_FORMATS: Final = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
# What a format says in quotes, brackets or after a bar; one that is never closed goes to the end, for to look for its
# end from each bracket anew would hold up everybody for minutes.
QUOTED_FORMAT_PARTS: Final = re.compile(r'"[^"]*"?|\[[^\]]*\]?|\\.')
EPOCH: Final = datetime(1899, 12, 30)


class PreviewError(Exception):
    """There is nothing to show; the text says why, for a person."""


class _Enough(Exception):
    pass


@dataclass(frozen=True)
class Grid:
    """Rows of text, and whether there are more."""

    rows: list[list[str]]
    has_more: bool


def clip_text(text: str) -> str:
    """A text as a cell or a name shows it: one that is bounded, and whose signs stay where they are."""
    return UNPRINTABLE.sub("\N{WHITE SQUARE}", text[:MAX_CELL_LENGTH].replace("\r\n", "\n")) + (
        "…" if len(text) > MAX_CELL_LENGTH else ""
    )


def read_first_sheet(archive: zipfile.ZipFile) -> tuple[Grid, str]:
    """The first rows of the first sheet, and its name. Raises PreviewError."""
    sheets: list[tuple[str, str]] = []
    targets: dict[str, str] = {}

    def sheet(name: str, given: dict[str, str]) -> None:
        if name == "sheet":
            reference = next((value for key, value in given.items() if key.rpartition(":")[2] == "id"), "")
            sheets.append((given.get("name", ""), reference))

    def relation(name: str, given: dict[str, str]) -> None:
        if name == "Relationship":
            targets[given.get("Id", "")] = given.get("Target", "")

    _walk(archive, "xl/workbook.xml", sheet, most=MAX_PART_BYTES)
    _walk(archive, "xl/_rels/workbook.xml.rels", relation, most=MAX_PART_BYTES)
    if not sheets or sheets[0][1] not in targets:
        raise PreviewError("The workbook names no sheet.")
    target = targets[sheets[0][1]]
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    reader = _Sheet()
    reader.has_more = _walk(archive, path, reader.start, reader.end, reader.text, most=MAX_SHEET_BYTES)
    texts = _texts(archive, max(reader.wanted, default=-1))
    dates = _dates(archive) if reader.styled else frozenset()
    rows = [[cell.shown(texts, dates) for cell in row] for row in reader.rows]
    return Grid(rows[: MAX_ROWS + 1], reader.has_more), sheets[0][0]


@dataclass
class _Cell:
    kind: str = "n"
    style: int = 0
    value: str = ""
    formula: str = ""

    def shown(self, texts: list[str], dates: frozenset[int]) -> str:
        """As text. A formula that was never computed is shown as it is written."""
        if self.kind == "s":
            place = int(self.value) if self.value.isdigit() else -1
            return texts[place] if 0 <= place < len(texts) else ""
        if self.kind == "b":
            return {"1": "TRUE", "0": "FALSE"}.get(self.value, self.value)
        if self.value and self.kind == "n" and self.style in dates:
            return _date(self.value)
        return self.value or (f"={self.formula}" if self.formula else "")


@dataclass
class _Sheet:
    """Collects cells as the parser comes by them, until there are enough rows."""

    rows: list[list[_Cell]] = field(default_factory=list)
    wanted: list[int] = field(default_factory=list)
    styled: bool = False
    has_more: bool = False
    cell: _Cell | None = None
    into: str = ""

    def start(self, name: str, given: dict[str, str]) -> None:
        if name == "row":
            if len(self.rows) > MAX_ROWS:
                raise _Enough
            self.rows.append([])
        elif name == "c" and self.rows:
            self.cell = self._place(self.rows[-1], given)
        self.into = name if name in ("v", "t", "f") else ""

    def _place(self, row: list[_Cell], given: dict[str, str]) -> _Cell | None:
        """A new cell where it says that it stands; None for one out of order or too far to the right."""
        place = _column(given.get("r", ""), len(row))
        if not len(row) <= place < MAX_CELLS_PER_ROW:
            return None
        row.extend(_Cell() for _ in range(place - len(row)))
        style = given.get("s", "")
        row.append(_Cell(given.get("t", "n"), int(style) if style.isdigit() else 0))
        self.styled = self.styled or bool(row[-1].style)
        return row[-1]

    def text(self, piece: str) -> None:
        if self.cell is None or not self.into:
            return
        if self.into == "f":
            self.cell.formula = (self.cell.formula + piece)[: MAX_CELL_LENGTH + 1]
        else:
            self.cell.value = (self.cell.value + piece)[: MAX_CELL_LENGTH + 1]

    def end(self, name: str) -> None:
        self.into = ""
        if name == "c" and self.cell is not None:
            if self.cell.kind == "s" and self.cell.value.isdigit() and len(self.cell.value) < 10:
                self.wanted.append(int(self.cell.value))
            self.cell = None


def _column(reference: str, otherwise: int) -> int:
    """The place of a cell in its row: "C7" is the third."""
    letters = re.match("[A-Z]{1,3}", reference)
    if letters is None:
        return otherwise
    place = 0
    for letter in letters[0]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _texts(archive: zipfile.ZipFile, last: int) -> list[str]:
    """The shared texts up to the last one that is wanted."""
    found: list[str] = []
    if last < 0 or "xl/sharedStrings.xml" not in archive.namelist():
        return found
    state = {"into": False, "sound": False}

    def start(name: str, given: dict[str, str]) -> None:
        if name == "si":
            if len(found) > last:
                raise _Enough
            found.append("")
        state["sound"] = state["sound"] or name == "rPh"  # how it is pronounced: not part of the text
        state["into"] = name == "t" and not state["sound"]

    def end(name: str) -> None:
        state["into"] = False
        state["sound"] = state["sound"] and name != "rPh"

    def text(piece: str) -> None:
        if state["into"] and found:
            found[-1] = (found[-1] + piece)[: MAX_CELL_LENGTH + 1]

    _walk(archive, "xl/sharedStrings.xml", start, end, text, most=MAX_SHARED_STRINGS_BYTES)
    return found


def _dates(archive: zipfile.ZipFile) -> frozenset[int]:
    """The styles under which a number is a date."""
    formats: dict[str, str] = {}
    styles: list[str] = []
    inside: list[str] = []

    def start(name: str, given: dict[str, str]) -> None:
        inside.append(name)
        if name == "numFmt":
            formats[given.get("numFmtId", "")] = given.get("formatCode", "")
        elif name == "xf" and inside[-2:-1] == ["cellXfs"]:
            styles.append(given.get("numFmtId", ""))

    def end(name: str) -> None:
        inside.pop()

    if "xl/styles.xml" in archive.namelist():
        _walk(archive, "xl/styles.xml", start, end, most=MAX_PART_BYTES)

    def is_date(number: str) -> bool:
        code = QUOTED_FORMAT_PARTS.sub("", formats.get(number, "")).lower()
        return bool(re.search("[dy]", code)) or (number.isdigit() and int(number[:9]) in DATE_FORMATS)

    dates = {number for number in set(styles) if is_date(number)}
    return frozenset(place for place, number in enumerate(styles) if number in dates)


def _date(value: str) -> str:
    """A spreadsheet's day number as a date."""
    try:
        at = EPOCH + timedelta(days=float(value), milliseconds=500)
    except (ValueError, OverflowError):
        return value
    at = at.replace(microsecond=0)
    return f"{at:%Y-%m-%d}" if not (at.hour or at.minute or at.second) else f"{at:%Y-%m-%d %H:%M}"


def _walk(
    archive: zipfile.ZipFile,
    path: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
    *,
    most: int,
) -> bool:
    """Reads XML as it is unpacked, piece by piece. Returns whether something was left unread. Raises PreviewError."""
    member = archive.getinfo(path)
    if member.compress_type not in BOUNDED_COMPRESSIONS or member.flag_bits & 1:
        raise PreviewError("The workbook is packed in a way that is not read here.")
    parser = expat.ParserCreate()
    # Nothing a sheet needs takes a document type: refusing it refuses all entities, and with them every bomb.
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    parser.StartElementHandler = lambda name, given: start(name.rpartition(":")[2], given)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
        parser.buffer_text = True
    read = 0
    try:
        with archive.open(member) as stream:
            while piece := stream.read(CHUNK_BYTES):
                read += len(piece)
                parser.Parse(piece, False)
                if read >= most:
                    return True
            parser.Parse(b"", True)
    except _Enough:
        return True
    except expat.ExpatError as error:
        raise PreviewError(f"The workbook cannot be read ({expat.errors.messages.get(error.code, error)}).") from None
    return False


def _refuse(*args: object) -> int:
    raise PreviewError("The workbook holds declarations that the portal does not read.")
