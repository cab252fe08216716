"""Verifying kept files again: each about once a month, a few at a time, or all of them by command."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Coalesce

from exports import clock
from exports.models import Event, File
from exports.models.event import FILE_DAMAGED
from exports.queue import capacity
from exports.settle.outcome import record_note
from exports.storage import places
from exports.storage.reverify import REST, problem_of

log = logging.getLogger(__name__)

EVERY_DAYS: Final = 30
CHUNK: Final = 100
# Larger files are read at night.
LARGE_BYTES: Final = 2**30
LAST_READ: Final = Coalesce("reverified_at", "verified_at")


@dataclass
class Verified:
    """Counts of a run. `unread`: the storage did not answer."""

    good: int = 0
    damaged: int = 0
    unread: int = 0


def verify_some(seconds: float, max_bytes: int = LARGE_BYTES) -> Verified:
    """Verifies files that were not read for EVERY_DAYS, the longest ago first, until the time or the bytes are used up.

    Only while a slot is free for other work. Leaves out large files, which would take the slot for long.
    """
    done, stop = Verified(), time.monotonic() + seconds
    for file in files_to_verify(clock.now() - timedelta(days=EVERY_DAYS), size__lte=LARGE_BYTES):
        if max_bytes <= 0 or time.monotonic() > stop or done.unread or not _is_slot_free():
            break
        verify(file, done)
        max_bytes -= file.size
    return done


def verify_large() -> Verified:
    """Verifies large files that were not read for EVERY_DAYS, while a slot is free for other work."""
    done = Verified()
    for file in files_to_verify(clock.now() - timedelta(days=EVERY_DAYS), size__gt=LARGE_BYTES):
        if done.unread or not _is_slot_free():
            break
        verify(file, done)
    return done


def _is_slot_free() -> bool:
    return capacity.read().free.free(capacity.CONTROL) > 0


def files_to_verify(not_since: datetime | None = None, **conditions: Any) -> Iterator[File]:
    """Yields kept files, the one read longest ago first; `not_since`: only those that were not read since then.

    In chunks, by the time of the last reading, so that it costs the same with any number of files. A file that is
    verified meanwhile is not yielded again.
    """
    begun = clock.now() if not_since is None else not_since
    rows = File.objects.filter(deleted_at=None, **conditions).annotate(last_read=LAST_READ)
    yield from _in_chunks(rows.filter(last_read__lte=begun).order_by("last_read", "pk"))


def _in_chunks(rows: Any) -> Iterator[File]:
    found = list(rows[:CHUNK])
    while found:
        yield from found
        at, pk = found[-1].last_read, found[-1].pk
        # Two conditions that the index serves, instead of one that it does not.
        found = list(rows.filter(last_read=at, pk__gt=pk)[:CHUNK]) or list(rows.filter(last_read__gt=at)[:CHUNK])


def verify_damaged() -> Verified:
    """Verifies files again that were found damaged or gone: a disk that was away comes back."""
    done = Verified()
    for file in File.objects.filter(deleted_at=None, damaged_at__isnull=False).order_by("reverified_at")[:CHUNK]:
        verify(file, done)
    return done


def verify(file: File, done: Verified, *, rest: float = REST) -> str:
    """Reads the file again and records what was found. Returns "" where it is good, else a sentence."""
    try:
        problem = problem_of(file, rest=rest)
        unread = places.place_of(file).problem() if problem else ""
    except OSError as error:
        unread = f"The file could not be read ({error.strerror})."
    if unread:
        log.warning("File %s could not be read again: %s", file.pk, unread)
        done.unread += 1
        return unread
    if not _record(file, problem):
        return ""
    if problem:
        done.damaged += 1
    else:
        done.good += 1
    return problem


def _record(file: File, problem: str) -> bool:
    """Writes the result. Returns False where the file was deleted meanwhile, which is no damage."""
    now = clock.now()
    with transaction.atomic():
        row = File.objects.select_for_update().filter(pk=file.pk, deleted_at=None).first()
        if row is None:
            return False
        was_damaged = row.damaged_at is not None
        row.reverified_at = now
        row.damaged_at = (row.damaged_at or now) if problem else None
        row.save(update_fields=["reverified_at", "damaged_at"])
        if bool(problem) != was_damaged:
            _record_change(row, problem)
    return True


def _record_change(file: File, problem: str) -> None:
    export = file.export
    if problem:
        log.error("File %s of export %s is damaged: %s", file.pk, export.pk, problem)
        record_note(export, f"{problem} Run the export again to have a good copy.", source="worker")
        key = f"{FILE_DAMAGED}:{file.pk}:{file.damaged_at:%Y-%m-%dT%H:%M:%S.%f}"
        Event.record(
            file.team_id, FILE_DAMAGED, key, export=export, project=export.project, file_id=file.pk, problem=problem
        )
    else:
        record_note(export, "The file is good again: its bytes are those that were verified.", source="worker")
