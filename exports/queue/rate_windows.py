"""The rows of rate windows: how they are created, given another limit, and counted in with one statement.

In the ordinary case the window runs and has room; then one statement counts a step, without a lock. Where it changes
nothing, `exports.queue.rate_limits` reads and locks the row and decides.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from exports import clock
from exports.models import RateWindow

# What is on its way to the provider is counted there a moment later than here.
CLOCK_MARGIN_SECONDS: Final = 0.05
# Between admission and arrival a step may write to the database, and wait for a free thread.
EARLY_CLOSE_SHARE: Final = 0.1
MAX_EARLY_CLOSE_SECONDS: Final = 1.0
# Where a window used so much of its limit at most, the next one begins at once. Two such windows share one limit, so
# where calls are carried already this ends at a half; it begins well below, so that it does not begin and end often.
MAX_SHARE_TO_CARRY: Final = 0.25
MAX_SHARE_TO_GO_ON: Final = 0.5
COLUMNS: Final = [str(field.column) for field in RateWindow._meta.concrete_fields]
# Slots before the first of the running window are not taken any more.
TAKE_SQL: Final = f"""
    UPDATE exports_ratewindow SET next_slot = GREATEST(next_slot, "window" * "limit") + %s
    WHERE credential_id = %s AND rate_class = %s AND seconds = %s AND opened_at > %s
        AND GREATEST(next_slot, "window" * "limit") + %s <= ("window" + 1) * "limit"
    RETURNING {", ".join(f'"{column}"' for column in COLUMNS)}
"""  # noqa: S608  our own columns
COUNT_SQL: Final = """
    UPDATE exports_ratewindow SET next_slot = next_slot + %s, answered = (answered OR "window" = %s),
        started_at = CASE WHEN NOT answered AND "window" = %s THEN %s ELSE started_at END
    WHERE credential_id = %s AND rate_class = %s AND "limit" = %s
"""


def early_close(seconds: float) -> timedelta:
    """How long a call may take from its admission to its arrival, for windows of so many seconds."""
    return timedelta(seconds=min(seconds * EARLY_CLOSE_SHARE, MAX_EARLY_CLOSE_SECONDS))


def closes_at(row: RateWindow) -> datetime:
    """Returns until when the window admits calls.

    The provider's may be over from `opened_at` and its length on, so a call is admitted while it arrives before that.
    With carried calls, until no window of the provider that has calls from before `opened_at` can still run.
    """
    length, early = timedelta(seconds=row.seconds), early_close(row.seconds)
    return row.opened_at + length + (early if row.carried_calls else -early)


def next_begins_at(row: RateWindow) -> datetime:
    """Returns when no window of the provider can run any more that has one of this window's calls."""
    length = timedelta(seconds=row.seconds)
    return closes_at(row) + length + early_close(row.seconds) if row.carried_calls else row.started_at + length


def follow_at_once(row: RateWindow) -> bool:
    """Opens the next window now where this one admits no more and used little; returns whether it did.

    The provider's window may run on, so this one's calls count in the next one too. Where a window used more, the next
    one waits until the provider's is surely over, and then has the whole limit.
    """
    now = clock.now()
    own = row.next_slot - row.window * row.limit - row.carried_calls
    share = MAX_SHARE_TO_GO_ON if row.carried_calls else MAX_SHARE_TO_CARRY
    surely_over = next_begins_at(row) + timedelta(seconds=CLOCK_MARGIN_SECONDS)
    if not closes_at(row) <= now < surely_over or not 0 <= own <= row.limit * share:
        return False
    row.window, row.opened_at, row.started_at, row.answered, row.carried_calls = row.window + 1, now, now, False, own
    row.next_slot = row.window * row.limit + own
    return True


def take_slots(credential_id: int, rate_class: str, seconds: float, count: int) -> RateWindow | None:
    """Takes `count` rate slots of the window that runs. Returns its row, whose `next_slot` follows the last of them.

    None where the window, which lasts `seconds`, may be over, where it has less room, and on SQLite.
    """
    if connection.vendor != "postgresql":
        return None
    opened_after = clock.now() - timedelta(seconds=seconds) + early_close(seconds)
    with connection.cursor() as cursor:
        cursor.execute(TAKE_SQL, [count, credential_id, rate_class, seconds, opened_after, count])
        row = cursor.fetchone()
    return RateWindow.from_db(connection.alias, COLUMNS, row) if row else None


def count_answer(window: RateWindow, rate_slot: int, extra_calls: int) -> bool:
    """Counts `extra_calls` beyond the one that `rate_slot` stands for, and that an answer came in the slot's window.

    `window`: the row as it was when the slot was taken. Returns False, and counts nothing, when its limit has changed.
    """
    of_slot = rate_slot // window.limit
    now = connection.ops.adapt_datetimefield_value(clock.now())
    params: list[Any] = [extra_calls, of_slot, of_slot, now, window.credential_id, window.rate_class, window.limit]
    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL, params)
        return bool(cursor.rowcount)


def by_credential(rows: Iterable[RateWindow]) -> dict[int, RateWindow]:
    """Returns the rows of one rate class by credential id."""
    return {row.credential_id: row for row in rows}


def create_windows(limits: Mapping[int, tuple[int, float]], rate_class: str) -> None:
    """Creates rows, unless they exist, by credential id: (calls, seconds). Their windows are over already."""
    windows = [
        RateWindow(
            credential_id=key,
            rate_class=rate_class,
            limit=limit,
            seconds=seconds,
            opened_at=clock.seconds_from_now(-seconds - 1),
            started_at=clock.seconds_from_now(-seconds - 1),
            next_slot=limit,
        )
        for key, (limit, seconds) in limits.items()
    ]
    RateWindow.objects.bulk_create(windows, ignore_conflicts=True)


def change_limit(row: RateWindow, limit: int, left: int | None) -> None:
    """Sets a limit that differs from the declared one (a paid plan). Every rate slot held so far is taken anew."""
    row.window, row.limit = row.next_slot // limit + 1, limit
    row.carried_calls = min(row.carried_calls, 1)  # As good as none, but the provider's windows are no better known.
    row.next_slot = row.window * limit + (limit - left if left is not None and left <= limit else limit)
