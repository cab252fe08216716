"""What calls used of a provider's rate limits, and what the headers of its answers and its lists of limits say of them.

Limits that are learned so hold for the windows of `exports.queue.rate_limits`, and a pause begins where another program
uses up the same limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from exports import clock
from exports.models import Credential, Export, RateLimitPause, RateWindow
from exports.providers.contract import RateHeaders
from exports.queue import rate_windows
from exports.queue.batch_sql import update_many

# No provider allows so many calls in a window: a larger number in a header is not a limit.
MAX_LIMIT: Final = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What a step used: its number of calls, the rate slot that admitted the first, and the last answer's headers.

    `window_at_admission`: the rate window as it was when the rate slot was taken, where that is known.
    """

    export: Export
    rate_class: str
    rate_slot: int | None
    calls: int
    headers: Mapping[str, str]
    window_at_admission: RateWindow | None = None

    @property
    def limit(self) -> int | None:
        """The limit that the headers name."""
        return _number(self.headers, self._names.limit)

    @property
    def remaining(self) -> int | None:
        """How many calls of the window the headers say are left."""
        return _number(self.headers, self._names.remaining)

    @property
    def _names(self) -> RateHeaders:
        return self.export.project.credential.provider_definition.rate_headers


def record_usage(usages: Sequence[Usage]) -> None:
    """Records what steps used and what headers say: the true limit, and whether other programs call too.

    The headers are those that the provider declares (`Provider.rate_headers`).
    """
    limited = [
        usage
        for usage in usages
        if usage.rate_slot is not None
        and usage.calls > 0
        and usage.rate_class in usage.export.project.credential.provider_definition.limits
    ]
    for rate_class in {usage.rate_class for usage in limited}:
        usages_of_class = [usage for usage in limited if usage.rate_class == rate_class]
        windows_of_class = RateWindow.objects.filter(rate_class=rate_class)
        # Nearly every answer says what was known when the rate slot was taken; then no row is read or locked.
        news = [
            usage
            for usage in usages_of_class
            if usage.window_at_admission is None or _is_news(usage, usage.window_at_admission)
        ]
        if not news or (len(news) == 1 and _count_answer(news[0])):
            continue
        with transaction.atomic():
            locked = windows_of_class.select_for_update().filter(
                credential_id__in={_credential(usage) for usage in news}
            )
            rows = rate_windows.by_credential(locked.order_by("credential_id"))
            for usage in news:
                if (row := rows.get(_credential(usage))) is not None:
                    _apply_usage(usage, row)
            update_many(
                list(rows.values()), ["answered", "started_at", "next_slot", "limit", "window", "carried_calls"]
            )
        _pause_if_shared(news, rows)


def learn_limits(credential: Credential, limits: Mapping[str, int]) -> None:
    """Records the limits that the provider reports for this credential, before any call has shown them.

    Some providers report them; a paid plan may allow more than is declared.
    """
    for rate_class, (declared, seconds) in credential.provider_definition.limits.items():
        limit = limits.get(rate_class, 0)
        if not 0 < limit < MAX_LIMIT:
            continue
        with transaction.atomic():
            locked = RateWindow.objects.select_for_update().filter(credential=credential, rate_class=rate_class)
            if (row := locked.first()) is None and limit != declared:
                rate_windows.create_windows({credential.pk: (declared, seconds)}, rate_class)
                row = locked.first()
            if row is not None and limit != row.limit:
                rate_windows.change_limit(row, limit, None)
                row.save(update_fields=["window", "limit", "next_slot", "carried_calls"])


def _credential(usage: Usage) -> int:
    return usage.export.project.credential_id


def _is_news(usage: Usage, row: RateWindow) -> bool:
    """Whether the answer says more than was known when the rate slot was taken."""
    limit, left = usage.limit, usage.remaining
    return usage.calls > 1 or left == 0 or (limit or row.limit) != row.limit or _is_first_answer(usage, row)


def _count_answer(usage: Usage) -> bool:
    """Counts one answer in one statement where it says no more than the number of calls; else returns False."""
    row, slot = usage.window_at_admission, usage.rate_slot
    limit, left = usage.limit, usage.remaining
    if row is None or slot is None or left == 0 or limit not in (None, 0, row.limit):
        return False
    return rate_windows.count_answer(row, slot, usage.calls - 1)


def _is_first_answer(usage: Usage, row: RateWindow) -> bool:
    """Whether this is the first answer in the window that runs."""
    return not row.answered and usage.rate_slot is not None and usage.rate_slot // row.limit == row.window


def _apply_usage(usage: Usage, row: RateWindow) -> None:
    if _is_first_answer(usage, row):
        # The provider's window began no later than its first answer came; this one must not begin earlier.
        row.answered, row.started_at = True, clock.now()
    row.next_slot += usage.calls - 1
    limit, left = usage.limit, usage.remaining
    if limit and limit != row.limit:
        rate_windows.change_limit(row, limit, left)


def _pause_if_shared(usages: Sequence[Usage], rows: Mapping[int, RateWindow]) -> None:
    """Pauses for a window where the provider has nothing left but slots are left here: another program calls too."""
    for usage in usages:
        row = rows.get(_credential(usage))
        if row is None or usage.rate_slot is None or usage.remaining != 0:
            continue
        # An answer in the window before says nothing about the one that runs.
        if usage.rate_slot // row.limit == row.window and (row.window + 1) * row.limit > row.next_slot:
            reason = "Something outside this portal is using up this credential's limit."
            RateLimitPause.extend(row.credential_id, row.rate_class, clock.seconds_from_now(row.seconds), reason)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    """The value of a header; None where it is absent or no number of at most eight digits."""
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else None
