"""Whether a new file differs oddly from those before it: many rows or bytes more or fewer than usual, or none at all.

Each kept file is examined once, after its export has succeeded. `File.examined_at` is set together with what was found,
so a process that dies leaves the file to the next one.
"""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any, Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from exports import clock, formats, states
from exports.models import Event, Export, File
from exports.models.event import FILE_CHANGED_ODDLY
from exports.preview.comparison import good_exports
from exports.preview.table_rows import Limits, read_rows
from exports.queue import wakeup
from exports.storage import places

log = logging.getLogger(__name__)

# So many exports before it say what is usual.
EARLIER_EXPORTS: Final = 5
BATCH_SIZE: Final = 20
# A run takes no other file after so many seconds, so that other tasks of the queue need not wait.
MAX_SECONDS: Final = 2.0
MAX_SECONDS_PER_TABLE: Final = 5.0
MAX_ROWS: Final = 10_000_000
# Nobody is told of files that are older: after an upgrade all files are examined.
MAX_AGE: Final = timedelta(days=1)
UNITS: Final = ((10**9, "GB"), (10**6, "MB"), (10**3, "KB"))


@dataclass(frozen=True)
class OddChange:
    """How a file differs from what is usual: a sentence for a person, and the figures for programs."""

    sentence: str
    figures: dict[str, Any] = field(default_factory=dict)


def examine_new_files() -> bool:
    """Examines some kept files, of the newest ones. Returns whether there may be more."""
    same = {name: OuterRef(f"export__{name}") for name in ("project_id", "type", "format", "options_key")}
    earlier = Export.objects.filter(**same, status=states.SUCCEEDED, pk__lt=OuterRef("export__pk"))
    new = File.objects.filter(deleted_at=None, examined_at=None).annotate(has_earlier=Exists(earlier))
    rows = list(new.order_by("-pk").values_list("pk", "export__format", "has_earlier")[:BATCH_SIZE])
    # Without rows to be counted and without a file before it there is nothing to find out.
    plain = [
        pk for pk, format_, has_earlier in rows if formats.get_format(format_).shape != "table" and not has_earlier
    ]
    if plain:
        File.objects.filter(pk__in=plain, examined_at=None).update(examined_at=clock.now())
    pks = [row[0] for row in rows if row[0] not in plain]
    random.shuffle(pks)  # Another task that does the same takes others.
    deadline = time.monotonic() + MAX_SECONDS
    for pk in pks:
        if time.monotonic() > deadline:
            return True
        examine(pk)
    return len(rows) == BATCH_SIZE


def examine(file_pk: int) -> None:
    """Examines a kept file, unless that was done. One that cannot be examined counts as examined."""
    file = File.objects.select_related("export__team").filter(pk=file_pk, deleted_at=None, examined_at=None).first()
    if file is None:
        return
    export: Export | None = getattr(file, "export", None)
    rows: int | None = None
    odd: OddChange | None = None
    try:
        if export is not None:
            rows = count_rows(file, export.format)
            odd = find_odd_change(export, rows, file.size)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.warning("The file %s could not be compared with those before it (%s).", file_pk, type(error).__name__)
    with transaction.atomic():
        is_mine = File.objects.filter(pk=file_pk, examined_at=None).update(examined_at=clock.now(), row_count=rows)
        if is_mine and odd is not None and export is not None:
            Export.objects.filter(pk=export.pk).update(odd_change=odd.sentence)
            if file.verified_at > timezone.now() - MAX_AGE:
                figures = {"odd_change": odd.sentence, **odd.figures}
                Event.record(export.team_id, FILE_CHANGED_ODDLY, f"odd:{export.pk}", export=export, **figures)
                wakeup.wake_after_commit()


def count_rows(file: File, format_: str) -> int | None:
    """The rows of a table below its header; None for other formats, and for a table that cannot be read to its end."""
    if formats.get_format(format_).shape != "table":
        return None
    limits = Limits(MAX_ROWS, MAX_SECONDS_PER_TABLE)
    try:
        return max(0, sum(1 for _ in read_rows(places.readable(file), format_, limits, frozenset())) - 1)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.warning("The rows of the file %s could not be counted (%s).", file.pk, error)
        return None


def find_odd_change(export: Export, rows: int | None, size: int) -> OddChange | None:
    """Compares rows and size (bytes) of an export's file with those of the good exports before it."""
    percent = export.team.odd_change_percent
    if percent is None:
        return None
    earlier: list[tuple[int | None, int]] = []
    for file in (one.file for one in good_exports(export).exclude(file=None)[:EARLIER_EXPORTS]):
        if file is None:
            continue
        if file.row_count is None and file.examined_at is None and file.deleted_at is None:
            file.row_count = count_rows(file, export.format)
            File.objects.filter(pk=file.pk, row_count=None).update(row_count=file.row_count)
        earlier.append((file.row_count, file.size))
    return describe_change(rows, size, earlier, percent)


def describe_change(
    rows: int | None, size: int, earlier: Sequence[tuple[int | None, int]], percent: int
) -> OddChange | None:
    """Returns how a file differs oddly from the `earlier` ones (rows or None, bytes); None where it does not.

    Odd is: no rows where there were some; or, with two earlier ones at least, rows or bytes more than `percent` away
    from their median.
    """
    counted = [count for count, _ in earlier if count is not None]
    usual_rows, usual_size = (median(counts) if counts else None for counts in (counted, [of for _, of in earlier]))
    figures = {"rows": rows, "usual_rows": usual_rows, "size": size, "usual_size": usual_size}
    if rows == 0 and any(counted):
        usual = f"usually {usual_rows:,.0f}" if usual_rows else "where there were some before"
        return OddChange(f"0 rows, {usual}", figures)
    if rows is not None and usual_rows is not None and len(counted) > 1 and _is_away(rows, usual_rows, percent):
        shown = f"{rows:,} {'row' if rows == 1 else 'rows'}"
        how = f"{shown}, {_compare(rows, usual_rows, of_size=False)}" if usual_rows else f"{shown}, usually none"
        return OddChange(how, figures)
    if usual_size and len(earlier) > 1 and _is_away(size, usual_size, percent):
        return OddChange(f"{format_size(size)}, {_compare(size, usual_size, of_size=True)}", figures)
    return None


def format_size(size: float) -> str:
    """A number of bytes in the largest unit that fits, with one decimal below 100."""
    for unit, name in UNITS:
        if size >= unit:
            return f"{size / unit:.{1 if size / unit < 100 else 0}f} {name}"
    return f"{size:.0f} bytes"


def _is_away(value: float, usual: float, percent: int) -> bool:
    return abs(value - usual) * 100 > percent * usual


def _compare(value: float, usual: float, *, of_size: bool) -> str:
    """Such as "61 % fewer than usual", "12 times as many as usual"."""
    if value >= 10 * usual:
        times = f"{value / usual:,.0f}"
        return f"{times} times as large as usual" if of_size else f"{times} times as many as usual"
    percent = f"{abs(value - usual) * 100 / usual:.0f}"
    if value < usual:
        return f"{percent} % smaller than usual" if of_size else f"{percent} % fewer than usual"
    return f"{percent} % larger than usual" if of_size else f"{percent} % more than usual"
