"""Rows of calls that a task made, written with the statement that frees its slot: one statement less per step.

Calls are evidence for people. What decides about an export is written by itself, before. A process that dies between
the two loses the rows of its last second of calls.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import DataError, IntegrityError

from exports import clock
from exports.models import Call, Rollup
from exports.models.rollup import ANSWERS, answer_class, counted, insert_sql
from exports.queue.batch_sql import insert_many

log = logging.getLogger(__name__)

# Where a task goes on calling, its rows are written after so many seconds, not at its end.
MAX_SECONDS: Final = 1.0
FREE_SLOT_SQL: Final = "DELETE FROM exports_reservation WHERE task_id = %s"


class _Deferred(threading.local):
    rows: list[Call] | None = None
    since = 0.0


_deferred = _Deferred()


@contextmanager
def deferred() -> Iterator[list[Call]]:
    """Collects the rows of calls that this thread makes while the block runs. Hand them to `free_slot` after it."""
    rows: list[Call] = []
    _deferred.rows, _deferred.since = rows, clock.monotonic()
    try:
        yield rows
    finally:
        _deferred.rows = None


def insert_calls(rows: Sequence[Call]) -> None:
    """Inserts rows of calls, or defers them to the end of the task that this thread runs."""
    waiting = _deferred.rows
    if waiting is None:
        _insert(rows)
        return
    waiting += rows
    if clock.monotonic() > _deferred.since + MAX_SECONDS:
        _insert(waiting)
        waiting.clear()
        _deferred.since = clock.monotonic()


def free_slot(task_id: str, calls: Sequence[Call], counts: Sequence[Rollup] = ()) -> None:
    """Inserts the rows, and deletes the reservation of a task that has ended, in one statement on PostgreSQL.

    The slot is freed also where the database refuses a row.
    """
    free = FREE_SLOT_SQL, [task_id]
    try:
        insert_many(calls, free, *insert_sql([*_answers(calls), *counts]))
    except (DataError, IntegrityError) as error:
        log.warning("The calls of the task %s were not kept (%s).", task_id, error)
        insert_many([], free)


def _insert(rows: Sequence[Call]) -> None:
    insert_many(rows, *insert_sql(_answers(rows)))


def _answers(calls: Sequence[Call]) -> list[Rollup]:
    """Counts the answers of providers among the calls; those to an address that a user named have no credential."""
    return counted(
        ANSWERS, (f"{call.credential.provider}|{answer_class(call.status)}" for call in calls if call.credential)
    )
