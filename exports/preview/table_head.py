"""The first 10,000 rows of a table, packed in memory page by page: any page, and a search, without the file.

A workbook can only be read from its beginning, so pages are kept rather than places in the file. They are kept in the
process alone: nothing of a file is left on disk or in the database when it is deleted.
"""

import json
import re
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from exports.preview.cells import MAX_ROWS, PreviewError, clip_text
from exports.preview.columns import Column, ColumnProfiler
from exports.preview.formats import preview_errors
from exports.preview.table_rows import Limits, read_rows
from exports.preview.tables import MAX_COLUMNS
from exports.storage.readable import Readable

MAX_TABLE_ROWS: Final = 10_000
MAX_SECONDS: Final = 4.0
# Characters of all cells together, as they are shown.
MAX_CHARS: Final = 24 * 1024 * 1024
MAX_QUERY_LENGTH: Final = 100
# Of all tables in a process: bytes as packed, and seconds since one was used last.
MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
MAX_KEPT_SECONDS: Final = 900.0
# So many tables are read at once in a process, and how long another one waits for its turn.
MAX_AT_ONCE: Final = 2
MAX_WAIT_SECONDS: Final = 5.0
NumberedRow = tuple[int, list[str]]


@dataclass
class TableHead:
    """The first rows of a table. `pages`: packed, of MAX_ROWS rows each. `has_more`: whether the file has more rows.

    `cut_columns`: whether columns are left out. `stopped`: why reading ended early, for a person.
    """

    columns: list[Column] = field(default_factory=list)
    pages: list[bytes] = field(default_factory=list)
    row_count: int = 0
    has_more: bool = False
    cut_columns: bool = False
    stopped: str = ""
    used_at: float = 0.0

    @property
    def size(self) -> int:
        """Bytes that its pages take."""
        return sum(map(len, self.pages))

    def page(self, number: int) -> list[NumberedRow]:
        """Returns the rows of a page with their numbers. Pages count from 0, rows from 1."""
        rows: list[list[str]] = json.loads(zlib.decompress(self.pages[number]).decode("utf-8", "surrogatepass"))
        width = len(self.columns)  # a later row may have been wider
        return [(count, row + [""] * (width - len(row))) for count, row in enumerate(rows, number * MAX_ROWS + 1)]

    def search(self, pattern: "re.Pattern[str]", page: int) -> tuple[list[NumberedRow], int]:
        """Returns a page of the rows with a cell in which the pattern is found, and how many there are."""
        count, shown = 0, []
        for row in self._rows():
            if any(map(pattern.search, row[1])):
                if page * MAX_ROWS <= count < (page + 1) * MAX_ROWS:
                    shown.append(row)
                count += 1
        return shown, count

    def _rows(self) -> Iterator[NumberedRow]:
        for number in range(len(self.pages)):
            yield from self.page(number)


_kept: OrderedDict[tuple[str, str, int], TableHead] = OrderedDict()
_lock = threading.Lock()
_reading = threading.BoundedSemaphore(MAX_AT_ONCE)


def search_pattern(text: str) -> "re.Pattern[str]":
    """Returns the pattern that finds a text as it is written, in capitals or not. Longer than MAX_QUERY_LENGTH: cut."""
    return re.compile(re.escape(text[:MAX_QUERY_LENGTH]), re.IGNORECASE)


def get_head(sha256: str, source: Readable, format_: str, sheet: int = 0) -> TableHead:
    """Returns the head of a kept table, read once. `sheet`: of a workbook, from 0. Raises PreviewError."""
    key = (sha256, format_, sheet)
    if (head := _recall(key)) is not None:
        return head
    if not _reading.acquire(timeout=MAX_WAIT_SECONDS):
        raise PreviewError("Others are opening tables just now. Try again in a minute.")
    try:
        if (head := _recall(key)) is None:
            head = _keep(key, read_head(source, format_, sheet))
    finally:
        _reading.release()
    return head


def read_head(source: Readable, format_: str, sheet: int = 0) -> TableHead:
    """Reads at most MAX_TABLE_ROWS rows, MAX_CHARS and MAX_SECONDS. Raises PreviewError where it gets no row at all."""
    head, page, chars = TableHead(), [], 0
    profiler = ColumnProfiler([])
    limits = Limits(MAX_TABLE_ROWS + 2, MAX_SECONDS)
    try:
        with preview_errors():
            for number, cells in enumerate(read_rows(source, format_, limits, sheet=sheet)):
                head.cut_columns |= len(cells) > MAX_COLUMNS
                row = [clip_text(cell) for cell in cells[:MAX_COLUMNS]]
                if number == 0:
                    profiler = ColumnProfiler(row)
                    continue
                if head.row_count >= MAX_TABLE_ROWS or chars > MAX_CHARS:
                    head.has_more = True
                    break
                profiler.add_row(row)
                chars += sum(map(len, row))
                page.append(row)
                head.row_count += 1
                if len(page) == MAX_ROWS:
                    head.pages.append(_pack(page))
                    page = []
    except PreviewError as problem:
        if not head.row_count:
            raise
        head.stopped, head.has_more = str(problem), True
    if page:
        head.pages.append(_pack(page))
    head.columns = profiler.columns()
    return head


def forget_all() -> None:
    """Drops what is kept, for tests."""
    with _lock:
        _kept.clear()


def _recall(key: tuple[str, str, int]) -> TableHead | None:
    """Returns a kept head, and drops those that nobody used for a while."""
    now = time.monotonic()
    with _lock:
        for old in [one for one, head in _kept.items() if head.used_at < now - MAX_KEPT_SECONDS]:
            del _kept[old]
        if (head := _kept.get(key)) is not None:
            _kept.move_to_end(key)
            head.used_at = now
        return head


def _keep(key: tuple[str, str, int], head: TableHead) -> TableHead:
    """Keeps a head, and drops the longest unused ones beyond MAX_KEPT_BYTES."""
    head.used_at = time.monotonic()
    with _lock:
        _kept[key] = head
        while sum(one.size for one in _kept.values()) > MAX_KEPT_BYTES and len(_kept) > 1:
            _kept.popitem(last=False)
    return head


def _pack(rows: list[list[str]]) -> bytes:
    return zlib.compress(json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)
