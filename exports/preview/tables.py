"""Previews of tables: the first rows of a CSV file or of a workbook's first sheet. Formulas are never computed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from exports.preview import xlsx
from exports.preview.cells import MAX_ROWS, Grid, clip_text
from exports.preview.columns import Column, profile_columns
from exports.storage import csv_layout, safe_zip
from exports.storage.readable import Readable

MAX_COLUMNS: Final = 60
MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
DELIMITER_NAMES: Final = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
# Spreadsheet programs take a cell that begins like this for a formula, unless it is a plain number.
FORMULA_START: Final = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER: Final = re.compile(r"[+-]?[\d\s.,]*%?")


@dataclass(frozen=True)
class Table:
    """The first rows of a table.

    `reading_note`: how the file was read, for a person. `formulas`: how many shown cells look like a formula.
    `cut_columns`: whether columns beyond MAX_COLUMNS are left out. `sheets`: names of a workbook's sheets.
    """

    head: list[str]
    rows: list[list[str]]
    has_more: bool
    reading_note: str
    formulas: int
    cut_columns: bool
    sheets: tuple[str, ...] = ()
    kind: str = "table"

    @property
    def columns(self) -> list[Column]:
        """The columns, by what the rows show."""
        return profile_columns(self.head, self.rows)

    @property
    def numbered_rows(self) -> list[tuple[int, list[str]]]:
        """The rows with their numbers, from 1."""
        return list(enumerate(self.rows, 1))


def preview_csv(source: Readable) -> Table:
    """Returns the first rows of a CSV file; reads at most csv_layout.HEAD_BYTES."""
    layout, text, is_cut = csv_layout.read_layout(source)
    rows = list(csv_layout.parse_rows(text, layout.delimiter, MAX_ROWS + 2))
    if is_cut and len(rows) < MAX_ROWS + 2:
        del rows[max(1, len(rows) - 1) :]  # the last row may be incomplete
    delimiter = DELIMITER_NAMES.get(layout.delimiter, f"“{clip_text(layout.delimiter)}”")
    return _build_table(Grid(rows, is_cut), f"{layout.encoding}, columns parted by {delimiter}")


def preview_xlsx(source: Readable) -> Table:
    """Returns the first rows of a workbook's first sheet. Raises PreviewError."""
    with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
        grid, sheet_name = xlsx.read_first_sheet(archive)
        sheets = tuple(clip_text(sheet.name) for sheet in xlsx.Sheet.find_all(archive))
    return _build_table(grid, f"sheet “{clip_text(sheet_name)}”", sheets)


def count_formulas(rows: Iterable[Sequence[str]]) -> int:
    """Returns how many of these cells look like a formula."""
    return sum(1 for row in rows for cell in row if _is_like_formula(cell))


def _build_table(grid: Grid, reading_note: str, sheets: tuple[str, ...] = ()) -> Table:
    width = max((len(row) for row in grid.rows), default=0)
    columns = min(width, MAX_COLUMNS)
    rows = [[clip_text(cell) for cell in row[:columns]] for row in grid.rows]
    rows = [row + [""] * (columns - len(row)) for row in rows]
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    has_more = grid.has_more or len(body) > MAX_ROWS
    shown = body[:MAX_ROWS]
    return Table(head, shown, has_more, reading_note, count_formulas(shown), columns < width, sheets)


def _is_like_formula(cell: str) -> bool:
    return bool(FORMULA_START.match(cell)) and not PLAIN_NUMBER.fullmatch(cell)
