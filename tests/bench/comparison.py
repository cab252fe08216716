"""Fifty thousand rows against fifty thousand: time and memory of comparing csv and xlsx."""

import csv
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import xlsxwriter

from tests.bench.environment import ROUNDS
from tests.bench.result import Result, at_most, median

ABOUT = (
    "Orders of 14 columns against the same with 100 rows added, 50 removed and 100 changed, by a key column that is"
    " guessed: what `GET /exports/:id/compare` does, and the page, which reads examples of the rows in a second pass."
    " CPU seconds. Memory: the peak of what Python's allocators gave."
)
HEADER: Final = [
    *("#", "E-mail", "Total", "Shipping", "Created", "Status", "Qty"),
    *("Reward", "First", "Last", "City", "Zip", "Country", "Note"),
]
MAX_SECONDS: Final = 1.0
MAX_MEGABYTES: Final = 64


def run(quick: bool) -> list[Result]:
    """Both formats."""
    from exports.preview import comparison_tables

    vars(comparison_tables)["MAX_SECONDS"] = 600.0  # tracing memory makes it twenty times as slow
    count = 5000 if quick else 50_000
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for format_ in ("csv", "xlsx"):
            old, new = (Path(folder) / f"{name}.{format_}" for name in ("old", "new"))
            _write(old, _rows(count))
            _write(new, _changed_rows(count))
            for name, samples in (("counts", 0), ("counts and examples", 20)):
                seconds = median(_seconds(old, new, format_, samples) for _ in range(1 if quick else ROUNDS))
                results.append(at_most(f"{format_}, {count} rows, {name}", seconds, MAX_SECONDS, "s"))
            results.append(at_most(f"{format_}, memory", _peak(old, new, format_), MAX_MEGABYTES, "MB"))
    return results


def _rows(count: int) -> Iterator[list[object]]:
    for number in range(count):
        person = [f"First{number % 500}", f"Last{number % 700}", "Paris", "75011", "FR", f"note {number % 40}"]
        paid = [f"{number % 300}.00", "4.90", f"2024-03-{number % 28 + 1:02} 10:00", "Paid", number % 9]
        yield [400_100_000 + number, f"customer-{number}@example.org", *paid, "Coffret « complet » + affiche", *person]


def _changed_rows(count: int) -> Iterator[list[object]]:
    for number, row in enumerate(_rows(count)):
        if number % 1000 != 5:
            yield [*row[:5], "Refunded", *row[6:]] if number % 500 == 7 else row
    for number, row in enumerate(_rows(100)):
        yield [500_100_000 + number, *row[1:]]


def _write(path: Path, rows: Iterator[list[object]]) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=";").writerows([HEADER, *rows])
        return
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for number, row in enumerate([HEADER, *rows]):
        sheet.write_row(number, 0, row)
    book.close()


def _seconds(old: Path, new: Path, format_: str, samples: int) -> float:
    from exports.preview.comparison_tables import compare_tables

    began = time.process_time()
    found = compare_tables(old, new, format_, samples=samples)
    seconds = time.process_time() - began
    assert (found.key, found.added, bool(found.changed)) == ("#", 100, True)
    return seconds


def _peak(old: Path, new: Path, format_: str) -> float:
    tracemalloc.start()
    _seconds(old, new, format_, 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6
