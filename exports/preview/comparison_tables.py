"""Compares two tables, by a key column where there is one, else by whole rows.

Each file is read once, row by row; in memory is a number for each row and for each cell that may be a key. Rows that
are shown as examples are read in a second pass.
"""

import re
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Final

from exports.errors import InvalidError
from exports.preview.cells import clip_text
from exports.preview.row_matching import Matched, digest, match_by_key, match_rows
from exports.preview.table_rows import Limits, read_header, read_rows
from exports.storage.readable import Readable

MAX_ROWS: Final = 200_000
MAX_SECONDS: Final = 20.0
MAX_COLUMNS: Final = 1000
MAX_LABEL_LENGTH: Final = 200
MAX_SHOWN_COLUMNS: Final = 30
MAX_SHOWN_CELLS: Final = 12
KEY_WORDS: Final = (
    frozenset({"id", "uuid", "guid"}),
    frozenset({"number", "no", "nr", "num"}),
    frozenset({"order", "reference", "ref", "code", "key", "sku"}),
)
WORD: Final = re.compile(r"[^\W\d_]+")
Row = list[str]


@dataclass(frozen=True)
class ChangedRow:
    """A row whose key is in both tables. `cells`: column, old, new text of those that differ; `omitted`: of others."""

    key: str
    cells: list[tuple[str, str, str]]
    omitted: int = 0


@dataclass(frozen=True)
class RowSamples:
    """Examples of rows. Cells of added ones are in the order of the new table's columns, of removed ones the old's."""

    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)
    added_columns: list[str] = field(default_factory=list)
    removed_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class TableChanges:
    """What differs between two tables. `key`: the column by which rows were matched; None: whole rows were.

    `rows`: how many rows the old and the new one have. `key_note` says why whole rows were matched.
    """

    rows: tuple[int, int]
    added: int
    removed: int
    changed: int
    added_columns: list[str]
    removed_columns: list[str]
    key: str | None
    keys: list[str] = field(default_factory=list)
    key_note: str = ""
    samples: RowSamples = field(default_factory=RowSamples)
    kind: str = "table"


class _Table:
    """One of the two files. `labels`: the names of its columns, each of them once."""

    def __init__(self, source: Readable, format_: str, limits: Limits) -> None:
        self._open: Callable[[Container[int] | None], Iterator[Row]] = partial(read_rows, source, format_, limits)
        self.labels = column_labels(read_header(source, format_, limits))
        self.common: list[int] = []

    def rows(self, wanted: Container[int] | None = None) -> Iterator[Row]:
        """Yields the rows below the header, each as wide as the header, or wider. `wanted`: as in `read_rows`."""
        width = len(self.labels)
        for row in islice(self._open(wanted), 1, None):
            yield row if len(row) >= width else row + [""] * (width - len(row))

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Yields the cells of the common columns, in their order, and behind them those beyond the header."""
        return (
            map(self.common_cells, self.rows()) if self.common != list(range(len(self.labels))) else self._all_cells()
        )

    def common_cells(self, row: Row) -> tuple[str, ...]:
        """The cells of a row in the common columns, and those beyond the header up to the last that is not empty."""
        end = len(row)
        while end > len(self.labels) and not row[end - 1]:
            end -= 1
        return (*[row[index] for index in self.common], *row[len(self.labels) : end])

    def _all_cells(self) -> Iterator[tuple[str, ...]]:
        """As `cells`, where all columns are common and in this order."""
        width = len(self.labels)
        for row in self.rows():
            yield tuple(row) if len(row) == width else self.common_cells(row)

    def numbered(self, numbers: Sequence[int]) -> dict[int, Row]:
        """The rows with these numbers; reads up to the last of them."""
        wanted = set(numbers)
        rows = islice(self.rows({number + 1 for number in wanted}), max(wanted, default=-1) + 1)
        return {number: row for number, row in enumerate(rows) if number in wanted}


def compare_csv(old: Readable, new: Readable, *, key: str = "", samples: int = 0) -> TableChanges:
    """As `compare_tables`."""
    return compare_tables(old, new, "csv", key=key, samples=samples)


def compare_xlsx(old: Readable, new: Readable, *, key: str = "", samples: int = 0) -> TableChanges:
    """As `compare_tables`."""
    return compare_tables(old, new, "xlsx", key=key, samples=samples)


def compare_tables(old: Readable, new: Readable, format_: str, *, key: str = "", samples: int = 0) -> TableChanges:
    """Compares two tables of a format (csv, xlsx). `samples`: how many examples of each kind of row to show.

    Raises InvalidError where `key` is none of the columns that both have, PreviewError past the limits, and what
    reading an untrusted file raises (`formats.READ_ERRORS`).
    """
    limits = Limits(MAX_ROWS, MAX_SECONDS)
    before, after = _Table(old, format_, limits), _Table(new, format_, limits)
    known = {label: index for index, label in enumerate(after.labels)}
    common = [label for label in before.labels if label in known]
    if key and key not in common:
        raise InvalidError({"key": ["Choose a column that both files have."]})
    before.common = [index for index, label in enumerate(before.labels) if label in known]
    after.common = [known[label] for label in common]
    wanted = [common.index(key)] if key else sorted(range(len(common)), key=lambda index: _rank(common[index]))
    old_digest = digest(before.cells(), wanted)
    new_digest = digest(after.cells(), list(old_digest.keys))
    chosen = next((index for index in wanted if index in new_digest.keys), None)
    matched = match_rows(old_digest, new_digest) if chosen is None else match_by_key(old_digest, new_digest, chosen)
    note = ""
    if chosen is None:
        note = (
            f"Values of the column {clip_text(key)} are missing or repeat, so whole rows were compared."
            if key
            else "No column has another value in each row, so whole rows were compared."
        )
    return TableChanges(
        rows=(len(old_digest.rows), len(new_digest.rows)),
        added=matched.added,
        removed=matched.removed,
        changed=matched.changed,
        added_columns=[label for label in after.labels if label not in set(common)],
        removed_columns=[label for label in before.labels if label not in set(common)],
        key=None if chosen is None else common[chosen],
        keys=common,
        key_note=note,
        samples=_read_samples(before, after, matched, chosen, samples) if samples else RowSamples(),
    )


def column_labels(header: Row) -> list[str]:
    """Returns the names of columns: those without one are numbered, and a name that comes again is counted.

    They are as a form sends them back: without line breaks and repeated blanks, and of MAX_LABEL_LENGTH at most.
    """
    labels: dict[str, None] = {}
    for number, text in enumerate(header[:MAX_COLUMNS], 1):
        name = label = " ".join(text.replace("\0", " ").split())[:MAX_LABEL_LENGTH].strip() or f"Column {number}"
        count = 1
        while label in labels:
            count += 1
            label = f"{name} ({count})"
        labels[label] = None
    return list(labels)


def _rank(label: str) -> int:
    words = {word.lower() for word in WORD.findall(label)}
    return next((rank for rank, known in enumerate(KEY_WORDS) if words & known), len(KEY_WORDS))


def _without_empty_end(cells: Row) -> Row:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _read_samples(before: _Table, after: _Table, matched: Matched, key: int | None, count: int) -> RowSamples:
    added, removed = list(islice(matched.added_rows(), count)), list(islice(matched.removed_rows(), count))
    changed = matched.changed_rows(count) if key is not None else []
    old_rows = before.numbered([*removed, *(old for old, _ in changed)])
    new_rows = after.numbered([*added, *(new for _, new in changed)])
    names = [before.labels[index] for index in before.common]
    return RowSamples(
        added=[_clipped(new_rows[number]) for number in added],
        removed=[_clipped(old_rows[number]) for number in removed],
        changed=[
            _changed_row(names, before.common_cells(old_rows[old]), after.common_cells(new_rows[new]), key or 0)
            for old, new in changed
        ],
        added_columns=_clipped(after.labels),
        removed_columns=_clipped(before.labels),
    )


def _changed_row(names: list[str], old: tuple[str, ...], new: tuple[str, ...], key: int) -> ChangedRow:
    """`names`: of the common columns; cells behind them are those beyond the header."""
    cells = [
        (clip_text(name), clip_text(before), clip_text(after))
        for name, before, after in zip(names, old, new, strict=False)
        if before != after
    ]
    rest = [", ".join(cells[len(names) :]) for cells in (old, new)]
    if rest[0] != rest[1]:
        cells.append(("", clip_text(rest[0]), clip_text(rest[1])))
    return ChangedRow(clip_text(new[key]), cells[:MAX_SHOWN_CELLS], max(0, len(cells) - MAX_SHOWN_CELLS))


def _clipped(cells: Sequence[str]) -> Row:
    return [clip_text(cell) for cell in cells[:MAX_SHOWN_COLUMNS]]
