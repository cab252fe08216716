"""Random tables are compared as a program does that keeps all rows in memory, from CSV files and from workbooks."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exports.preview.comparison_tables import TableChanges, column_labels, compare_tables

Table = list[list[str]]
CELLS = st.sampled_from(["", "a", "b", "1", "2", "3", "4", 'q"uote', "two\nlines", "é;,", " x", "_x0041_", "<&>"])
NAMES = st.sampled_from(["id", "order.number", "name", "total", "", "a&b"])
MAX_WIDTH = 4


def tables_of_width(width: int) -> st.SearchStrategy[Table]:
    """Tables with so many columns, and rows with cells that are missing or stand beyond the header."""
    headers = st.lists(NAMES, min_size=width, max_size=width).filter(lambda names: names[-1])
    rows = st.lists(st.lists(CELLS, min_size=1, max_size=width + 1), max_size=12)
    return st.tuples(headers, rows).map(lambda table: [table[0], *table[1]])


TABLES = st.integers(1, MAX_WIDTH).flatmap(tables_of_width)


def oracle(old: Table, new: Table) -> dict[str, object]:
    """What differs, by comparing all cells of all rows."""
    labels = [column_labels(table[0]) for table in (old, new)]
    common = [label for label in labels[0] if label in labels[1]]
    rows: list[list[tuple[str, ...]]] = []
    for table, names in zip((old, new), labels, strict=True):
        width = len(names)
        padded = [[*row, *[""] * (width - len(row))] for row in table[1:] if any(row)]
        rest = [tuple(cell for cell in row[width:] if cell) for row in padded]
        rows.append(
            [(*(row[names.index(name)] for name in common), *more) for row, more in zip(padded, rest, strict=True)]
        )

    def is_key(index: int) -> bool:
        columns = [[row[index] for row in side] for side in rows]
        return all(all(cells) and len(set(cells)) == len(cells) for cells in columns)

    def rank(index: int) -> int:
        words = common[index].replace(".", " ").split()
        return 0 if "id" in words else 1 if "number" in words else 3

    keys = sorted(filter(is_key, range(len(common))), key=rank)
    if keys:
        before, after = ({row[keys[0]]: row for row in side} for side in rows)
        added, removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
        changed = sum(before[key] != after[key] for key in before.keys() & after.keys())
    else:
        counted = [Counter(side) for side in rows]
        added, removed, changed = (counted[1] - counted[0]).total(), (counted[0] - counted[1]).total(), 0
    return {
        "rows": (len(rows[0]), len(rows[1])),
        "added": added,
        "removed": removed,
        "changed": changed,
        "key": common[keys[0]] if keys else None,
        "added_columns": [label for label in labels[1] if label not in common],
        "removed_columns": [label for label in labels[0] if label not in common],
    }


def counts_of(found: TableChanges) -> dict[str, object]:
    names = ("rows", "added", "removed", "changed", "key", "added_columns", "removed_columns")
    return {name: getattr(found, name) for name in names}


def as_csv(table: Table) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL).writerows(table)
    # Excel's own line: short random tables leave open what parts their cells.
    return b"sep=;\r\n" + text.getvalue().encode()


def as_xlsx(table: Table) -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(table):
        for column, cell in enumerate(row):
            if cell:
                sheet.write_string(number, column, cell)
    book.close()
    return data.getvalue()


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=TABLES, new=TABLES)
def test_random_tables(tmp_path: Path, format_: str, old: Table, new: Table) -> None:
    write = as_csv if format_ == "csv" else as_xlsx
    paths = [tmp_path / f"{name}.{format_}" for name in ("old", "new")]
    for path, table in zip(paths, (old, new), strict=True):
        path.write_bytes(write(table))
    found = compare_tables(paths[0], paths[1], format_, samples=5)
    assert counts_of(found) == oracle(old, new)
    assert len(found.samples.added) == min(5, found.added)
    assert len(found.samples.removed) == min(5, found.removed)
    assert len(found.samples.changed) == min(5, found.changed)
    for row in found.samples.changed:
        assert row.cells
        assert all(before != after for _, before, after in row.cells)
