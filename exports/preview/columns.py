"""What the columns of a table hold: numbers, dates, yes or no, text; how many cells are filled, and an example."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

NUMBER, DATE, BOOLEAN, TEXT, EMPTY = "number", "date", "boolean", "text", "empty"
# A number that begins with a zero is a code, such as a postal one, and is text.
IS_NUMBER: Final = re.compile(r"[-+]?(?!0\d)\d[\d,. \u00a0\u202f']*(?:[eE][-+]?\d{1,3})?\s?[%€$£]?").fullmatch
IS_DATE: Final = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2}))"
    r"(?:[T ,]\s?\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:\s?Z|\s?[-+]\d{2}:?\d{2})?)?"
).fullmatch
BOOLEANS: Final = frozenset({"true", "false", "yes", "no"})


@dataclass(frozen=True)
class Column:
    """`kind`: NUMBER, DATE, BOOLEAN, TEXT or, without a filled cell, EMPTY. `filled`: how many cells are."""

    name: str
    kind: str
    filled: int
    example: str

    @property
    def is_number(self) -> bool:
        """Whether its cells are aligned to the right."""
        return self.kind == NUMBER


@dataclass
class _Facts:
    name: str
    kind: str = EMPTY
    filled: int = 0
    example: str = ""

    def add(self, cell: str) -> None:
        self.filled += 1
        if self.kind == EMPTY:
            self.kind, self.example = kind_of(cell), cell
        elif self.kind != TEXT and kind_of(cell) != self.kind:
            self.kind = TEXT


class ColumnProfiler:
    """Finds out about columns row by row. A row that is wider than the ones before it adds columns without a name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._facts = [_Facts(name) for name in names]

    def add_row(self, row: Sequence[str]) -> None:
        """Takes the cells of a row."""
        self._facts.extend(_Facts("") for _ in range(len(row) - len(self._facts)))
        for facts, cell in zip(self._facts, row, strict=False):
            if cell:
                facts.add(cell)

    def columns(self) -> list[Column]:
        """Returns what the rows so far show."""
        return [Column(facts.name, facts.kind, facts.filled, facts.example) for facts in self._facts]


def kind_of(cell: str) -> str:
    """Returns what a cell that is not empty holds. A date such as 01.02.2024 is one, though its signs fit a number."""
    if cell[0].isalpha():
        return BOOLEAN if cell.lower() in BOOLEANS else TEXT
    if IS_DATE(cell):
        return DATE
    return NUMBER if IS_NUMBER(cell) else TEXT


def profile_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """Returns what these rows show of the columns with these names."""
    profiler = ColumnProfiler(head)
    for row in rows:
        profiler.add_row(row)
    return profiler.columns()
