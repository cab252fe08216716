"""Matches the rows of two tables by hashes of their cells: by a column whose cells are all different, or whole rows."""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import Final

MAX_CANDIDATES: Final = 8
# Columns that repeat a value, or lack one, within so many rows are no keys.
SNIFFED_ROWS: Final = 1000


@dataclass
class Digest:
    """A table as numbers: `rows` has a hash of each row, `keys` one of each cell of the columns that may be keys."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    keys: "dict[int, array[int]]" = field(default_factory=dict)


def digest(cells: Iterator[tuple[str, ...]], candidates: list[int]) -> Digest:
    """Reads the cells of all rows once. `candidates`: positions of the common columns that may be keys, the best first.

    The hashes are Python's own, of 64 bits and with a secret of the process: that two of 200 000 rows have the same is
    less likely than an error of the machine.
    """
    found = Digest()
    head = list(islice(cells, SNIFFED_ROWS))
    left = [index for index in candidates if _is_key([hash(row[index]) for row in head])][:MAX_CANDIDATES]
    found.keys = {index: array("q") for index in left}
    columns = list(found.keys.items())
    add_row = found.rows.append
    for row in chain(head, cells):
        add_row(hash(row))
        for index, values in columns:
            values.append(hash(row[index]))
    found.keys = {index: values for index, values in columns if _is_key(values)}
    return found


def _is_key(values: "list[int] | array[int]") -> bool:
    """Whether hashes of cells are all different, and none is that of an empty cell."""
    different = set(values)
    return len(different) == len(values) and hash("") not in different


@dataclass
class Matched:
    """How many rows differ, and which: functions that yield their numbers, of changed ones the old and the new one."""

    added: int
    removed: int
    changed: int
    added_rows: Callable[[], Iterator[int]]
    removed_rows: Callable[[], Iterator[int]]
    changed_rows: Callable[[int], list[tuple[int, int]]]


def match_by_key(old: Digest, new: Digest, key: int) -> Matched:
    """Matches rows that have the same cell in the key column. Changed ones are those that differ elsewhere."""
    old_keys, new_keys = old.keys[key], new.keys[key]
    by_key = dict(zip(old_keys, old.rows, strict=True))
    kept = [by_key.get(value) for value in new_keys]
    added = kept.count(None)
    changed = sum(1 for before, after in zip(kept, new.rows, strict=True) if before is not None and before != after)

    def added_rows() -> Iterator[int]:
        return (number for number, before in enumerate(kept) if before is None)

    def removed_rows() -> Iterator[int]:
        there = set(new_keys)
        return (number for number, value in enumerate(old_keys) if value not in there)

    def changed_rows(count: int) -> list[tuple[int, int]]:
        numbers = (number for number, before in enumerate(kept) if before is not None and before != new.rows[number])
        chosen = {new_keys[number]: number for number in islice(numbers, count)}
        return sorted(
            ((number, chosen[value]) for number, value in enumerate(old_keys) if value in chosen),
            key=itemgetter(1),
        )

    return Matched(added, len(old_keys) - (len(new_keys) - added), changed, added_rows, removed_rows, changed_rows)


def match_rows(old: Digest, new: Digest) -> Matched:
    """Matches whole rows: each row of one table with one row of the other."""
    before, after = Counter(old.rows), Counter(new.rows)

    def unmatched(rows: "array[int]", others: "Counter[int]") -> Iterator[int]:
        left = others.copy()
        for number, row in enumerate(rows):
            if left[row] > 0:
                left[row] -= 1
            else:
                yield number

    return Matched(
        (after - before).total(),
        (before - after).total(),
        0,
        lambda: unmatched(new.rows, before),
        lambda: unmatched(old.rows, after),
        lambda count: [],
    )
