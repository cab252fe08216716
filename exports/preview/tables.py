"""Previews of tables: the first rows of a CSV file or of a workbook's first sheet. Formulas are never computed."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exports.preview import xlsx
from exports.preview.cells import MAX_ROWS, Grid, clip_text
from exports.storage import safe_zip

HEAD_BYTES: Final = 256 * 1024
MAX_COLUMNS: Final = 60
MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
SNIFFED_ROWS: Final = 20
DELIMITERS: Final = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
# Spreadsheet programs take a cell that begins like this for a formula, unless it is a plain number.
FORMULA_START: Final = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER: Final = re.compile(r"[+-]?[\d\s.,]*%?")


@dataclass(frozen=True)
class Table:
    """The first rows of a table.

    `reading_note`: how the file was read, for a person. `formulas`: how many shown cells look like a formula.
    `cut_columns`: whether columns beyond MAX_COLUMNS are left out.
    """

    head: list[str]
    rows: list[list[str]]
    has_more: bool
    reading_note: str
    formulas: int
    cut_columns: bool
    kind: str = "table"


def preview_csv(path: Path) -> Table:
    """Returns the first rows of a CSV file; reads at most HEAD_BYTES."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        is_cut = bool(file.read(1))
    text, encoding = _decode(head, is_cut=is_cut)
    text, delimiter = _detect_delimiter(text)
    rows = list(_read_rows(text, delimiter, MAX_ROWS + 2))
    if is_cut and len(rows) < MAX_ROWS + 2:
        del rows[max(1, len(rows) - 1) :]  # the last row may be incomplete
    return _build_table(Grid(rows, is_cut), f"{encoding}, columns parted by {DELIMITERS[delimiter]}")


def preview_xlsx(path: Path) -> Table:
    """Returns the first rows of a workbook's first sheet. Raises PreviewError."""
    with safe_zip.open_zip(path, MAX_DIRECTORY_BYTES) as archive:
        grid, sheet_name = xlsx.read_first_sheet(archive)
    return _build_table(grid, f"sheet “{clip_text(sheet_name)}”")


def _decode(head: bytes, *, is_cut: bool) -> tuple[str, str]:
    """Returns the text and the name of its encoding. Where the bytes were cut, the last character may be incomplete."""
    for bom, codec, label in BOMS:
        if head.startswith(bom):
            return head.decode(codec, errors="ignore" if is_cut else "replace"), label
    try:
        return head.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        if is_cut and error.start > len(head) - 4 and error.reason.startswith("unexpected end"):
            return head[: error.start].decode("utf-8"), "UTF-8"
    return head.decode("cp1252", errors="replace"), "Windows-1252"


def _detect_delimiter(text: str) -> tuple[str, str]:
    """Returns the text without Excel's `sep=` line, and the delimiter."""
    if match := re.match(r"sep=([;,\t|])\r?\n", text, re.I):
        return text[match.end() :], match[1]

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in _read_rows(text, delimiter, SNIFFED_ROWS)]
        width = widths[0] if widths else 1
        return (widths.count(width) if width > 1 else 0, width)

    return text, max(DELIMITERS, key=score)


def _read_rows(text: str, delimiter: str, max_rows: int) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    count = 0
    try:
        for row in reader:
            if row:
                yield row
                count += 1
            if count >= max_rows:
                return
    except csv.Error:
        return  # a quoted cell without an end: the rows before it are shown


def _build_table(grid: Grid, reading_note: str) -> Table:
    width = max((len(row) for row in grid.rows), default=0)
    columns = min(width, MAX_COLUMNS)
    rows = [[clip_text(cell) for cell in row[:columns]] for row in grid.rows]
    rows = [row + [""] * (columns - len(row)) for row in rows]
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    formulas = sum(1 for row in body[:MAX_ROWS] for cell in row if _is_like_formula(cell))
    has_more = grid.has_more or len(body) > MAX_ROWS
    return Table(head, body[:MAX_ROWS], has_more, reading_note, formulas, columns < width)


def _is_like_formula(cell: str) -> bool:
    return bool(FORMULA_START.match(cell)) and not PLAIN_NUMBER.fullmatch(cell)
