"""All rows of a table, one by one, within bounds of memory and time: of a CSV file, or of a workbook's sheet."""

import csv
import io
import time
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Final

from exports.preview.cells import PreviewError
from exports.preview.sheet_rows import SheetRows
from exports.preview.xlsx import read_first_sheet
from exports.storage import csv_layout, safe_zip
from exports.storage.csv_layout import SEP_LINE
from exports.storage.readable import Readable

MAX_ROW_CHARS: Final = 1024 * 1024
MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
ROWS_PER_CHECK: Final = 512


@dataclass
class Limits:
    """How far tables are read: `max_rows` of each, and `max_seconds` from now on for all that is read with it."""

    max_rows: int
    max_seconds: float
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.max_seconds

    def check(self, rows: int) -> None:
        """Raises PreviewError where so many rows are too many, or the time is over."""
        if rows > self.max_rows:
            raise PreviewError(f"The table has more than {self.max_rows:,} rows, more than are read here.")
        if rows % ROWS_PER_CHECK == 0 and time.monotonic() > self.deadline:
            raise PreviewError(f"Reading the table takes longer than {self.max_seconds:g} seconds.")


def read_rows(
    source: Readable, format_: str, limits: Limits, wanted: Container[int] | None = None, sheet: int = 0
) -> Iterator[list[str]]:
    """Yields the rows that are not blank as text, the header first. `format_`: csv or xlsx, of which `sheet` is meant.

    Rows may have any number of cells. Those whose numbers, the header's being 0, are not among the `wanted` ones may
    come empty, which is quicker; None: all are wanted. Raises PreviewError past a limit, and what reading an untrusted
    file raises (`formats.READ_ERRORS`).
    """
    rows = _csv_rows(source) if format_ == "csv" else _xlsx_rows(source, limits, wanted, sheet)
    for number, row in enumerate(rows):
        limits.check(number)
        yield row


def read_header(source: Readable, format_: str, limits: Limits) -> list[str]:
    """Returns the first row that is not blank, [] where there is none. Raises as `read_rows`."""
    if format_ == "xlsx":
        with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
            grid, _ = read_first_sheet(archive)
            if header := next(filter(any, grid.rows), None):
                return header
    return next(read_rows(source, format_, limits), [])


def _csv_rows(source: Readable) -> Iterator[list[str]]:
    layout, _, _ = csv_layout.read_layout(source)
    with source.open("rb") as binary:
        binary.seek(layout.bom)
        lines = _Lines(io.TextIOWrapper(binary, encoding=layout.codec, errors="replace", newline=""))
        try:
            for row in csv.reader(lines, delimiter=layout.delimiter):
                lines.chars = 0
                if any(row):
                    yield row
        except csv.Error:
            raise PreviewError(
                "The table cannot be read to its end: a cell is too long, or a quote is never closed."
            ) from None


@dataclass
class _Lines:
    """The lines of a text. A line, and the lines of one row together, have at most MAX_ROW_CHARS."""

    text: io.TextIOWrapper
    chars: int = 0
    is_first: bool = True

    def __iter__(self) -> Iterator[str]:
        while line := self.text.readline(MAX_ROW_CHARS):
            self.chars += len(line)
            if self.chars >= MAX_ROW_CHARS:
                raise PreviewError("A row of the table is longer than what is read here.")
            if self.is_first:
                self.is_first = False
                line = line.lstrip("\ufeff")
                if SEP_LINE.fullmatch(line):
                    continue
            yield line


def _xlsx_rows(source: Readable, limits: Limits, wanted: Container[int] | None, sheet: int) -> Iterator[list[str]]:
    with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
        yield from SheetRows(archive, limits.deadline, wanted, sheet)
