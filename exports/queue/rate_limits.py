"""Staying inside a provider's rate limits: rate slots per credential and rate class, shared by all workers.

A provider that publishes (or says in its headers) `limit` calls per `seconds` counts them in windows. So does the
portal: every step that needs a call takes a rate slot. Slots `0 … limit-1` belong to the first window, and so on. A
step whose window has not begun is postponed until it begins, which is also the time its page shows.

A window begins with its first call, and the provider counts from the same call. When exactly that call arrived is not
known here, only that it was after it left and before its answer came. So a window here admits nothing more when the
provider's may be over, because a late call would take a place of the provider's next one; and the next window here
opens only when the provider's is surely over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max

from exports import clock
from exports.models import Credential, Export, RateLimitPause, RateWindow
from exports.providers.contract import LISTS, NORMAL, RateHeaders
from exports.queue import rate_windows
from exports.queue.batch_sql import settle_many, update_many
from exports.queue.holds import rate_limit_hold_fields
from exports.queue.leases import Claim, LostClaimError

# What is on its way to the provider is counted there a moment later than here.
CLOCK_MARGIN_SECONDS: Final = 0.05
# Between admission and arrival a step may write to the database, and wait for a free thread.
EARLY_CLOSE_SHARE: Final = 0.1
MAX_EARLY_CLOSE_SECONDS: Final = 1.0
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


def admit(claim: Claim, rate_class: str) -> bool:
    """Whether the step may call now. If not, it was postponed until its window begins. Raises LostClaimError."""
    admitted = admit_many([claim], rate_class)
    if claim.lost:
        raise LostClaimError
    return bool(admitted)


def admit_many(claims: Sequence[Claim], rate_class: str) -> list[Claim]:
    """The claims whose steps may call now. The others were postponed until their windows begin."""
    credentials = {claim.export.project.credential_id: claim.export.project.credential for claim in claims}
    may_be_paused = any(claim.seen_at_begin.pause for claim in claims)
    pauses = RateLimitPause.in_force(credentials, rate_class) if may_be_paused else {}
    free = [claim for claim in claims if claim.export.project.credential_id not in pauses]
    waits = (
        _take_slots(free, rate_class)
        if any(rate_class in credential.provider_definition.limits for credential in credentials.values())
        else {}
    )
    postponed: list[tuple[Claim, dict[str, Any]]] = []
    for claim in claims:
        export = claim.export
        pause = pauses.get(export.project.credential_id)
        if pause is not None:
            seconds = max((pause.until - clock.now()).total_seconds(), 0) + clock.with_jitter(0.5)
            note = f"Waiting for the provider's rate limit. {pause.reason}"
            postponed.append((claim, {"rate_slot": None, **rate_limit_hold_fields(export, seconds, note)}))
        elif export.pk in waits:
            calls, window = export.project.credential.provider_definition.limits[rate_class]
            note = f"Waiting for the provider's rate limit, {calls} in {window:g} s ({rate_class})."
            seconds = waits[export.pk] + CLOCK_MARGIN_SECONDS
            postponed.append((claim, {"rate_slot": export.rate_slot, **rate_limit_hold_fields(export, seconds, note)}))
    settle_many([claim for claim, _ in postponed], [row for _, row in postponed])
    postponed_ids = {id(claim) for claim, _ in postponed}
    return [claim for claim in claims if id(claim) not in postponed_ids]


def _take_slots(claims: Sequence[Claim], rate_class: str) -> dict[int, float]:
    """Takes a rate slot for each export, or uses the one that it holds, in one short transaction.

    Returns, by export id, the seconds until the window begins, for the exports whose window has not begun.
    """
    waits: dict[int, float] = {}
    if _take_slots_of_running_window(claims, rate_class):
        return waits
    with transaction.atomic():
        rows = _locked_windows(claims, rate_class)
        for claim in claims:
            if (row := rows.get(claim.export.project.credential_id)) is not None:
                claim.window_at_admission = row
                seconds = _take_slot(claim.export, row)
                if seconds is not None:
                    waits[claim.export.pk] = seconds
        update_many(list(rows.values()), ["window", "opened_at", "started_at", "answered", "next_slot", "seconds"])
    return waits


def _take_slots_of_running_window(claims: Sequence[Claim], rate_class: str) -> bool:
    """Takes a slot for each export where all are of one credential, hold none, and fit into the window that runs."""
    credentials = {claim.export.project.credential_id for claim in claims}
    if len(credentials) != 1 or any(claim.export.rate_slot is not None for claim in claims):
        return False
    seconds = claims[0].export.project.credential.provider_definition.limits[rate_class][1]
    [credential_id] = credentials
    row = rate_windows.take_slots(credential_id, rate_class, seconds, _early_close(seconds), len(claims))
    if row is None:
        return False
    for rate_slot, claim in enumerate(claims, row.next_slot - len(claims)):
        claim.export.rate_slot, claim.window_at_admission = rate_slot, row
    return True


def _early_close(seconds: float) -> float:
    return min(seconds * EARLY_CLOSE_SHARE, MAX_EARLY_CLOSE_SECONDS)


def _take_slot(export: Export, row: RateWindow) -> float | None:
    """Sets the export's rate slot. Returns the seconds until its window begins, or None when it has begun."""
    now, length = clock.now(), timedelta(seconds=row.seconds)
    closed_at = row.opened_at + length - timedelta(seconds=_early_close(row.seconds))
    running = row.window if now < closed_at else row.window + 1
    rate_slot = export.rate_slot
    if rate_slot is None or rate_slot // row.limit < running:  # none, or its window has passed
        rate_slot = max(row.next_slot, running * row.limit)
        row.next_slot = rate_slot + 1
    ahead = rate_slot // row.limit - row.window
    if ahead and now >= row.started_at + length * ahead + timedelta(seconds=CLOCK_MARGIN_SECONDS):
        row.window, row.opened_at, row.started_at, row.answered, ahead = row.window + ahead, now, now, False, 0
    export.rate_slot = rate_slot
    return max(0.0, (row.started_at + length * ahead - now).total_seconds()) if ahead else None


def _locked_windows(claims: Sequence[Claim], rate_class: str) -> dict[int, RateWindow]:
    """The locked rows by credential id. A missing row is created as a window that is over already."""
    limits = {
        claim.export.project.credential_id: claim.export.project.credential.provider_definition.limits[rate_class]
        for claim in claims
        if rate_class in claim.export.project.credential.provider_definition.limits
    }
    # Locked in one order everywhere, so that two workers never wait for each other.
    locked = RateWindow.objects.select_for_update().filter(rate_class=rate_class).order_by("credential_id")
    rows = _by_credential(locked.filter(credential_id__in=limits))
    if missing := limits.keys() - rows.keys():
        rate_windows.create_windows({key: limits[key] for key in missing}, rate_class)
        rows = _by_credential(locked.filter(credential_id__in=limits))
    for key, row in rows.items():
        row.seconds = limits[key][1]  # the declaration may have changed with a new version
    return rows


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
            locked = windows_of_class.select_for_update().filter(credential_id__in=_credentials(news))
            rows = _by_credential(locked.order_by("credential_id"))
            for usage in news:
                if (row := rows.get(_credential(usage))) is not None:
                    _apply_usage(usage, row)
            update_many(list(rows.values()), ["answered", "started_at", "next_slot", "limit", "window"])
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
                row.save(update_fields=["window", "limit", "next_slot"])


def count_unadmitted_calls(credential: Credential, calls: int, rate_class: str = NORMAL) -> None:
    """Counts calls that took no rate slot (tests of credentials, lists of choices), so that later slots leave room."""
    RateWindow.objects.filter(credential=credential, rate_class=rate_class).update(next_slot=F("next_slot") + calls)


def list_class(credential: Credential) -> str:
    """The rate class in which the provider counts lists."""
    return LISTS if LISTS in credential.provider_definition.limits else NORMAL


def admit_list(credential: Credential) -> float:
    """Takes a place for a list in the provider's limit for lists. Returns the seconds to wait, 0 where it may go now.

    Lists are asked for by people and by discovery, who do not queue: without a place nothing is taken.
    """
    if list_class(credential) != LISTS:
        return 0.0
    if (pause := RateLimitPause.in_force([credential.pk], LISTS).get(credential.pk)) is not None:
        return max((pause.until - clock.now()).total_seconds(), 1.0)
    declared = credential.provider_definition.limits[LISTS]
    locked = RateWindow.objects.select_for_update().filter(credential=credential, rate_class=LISTS)
    with transaction.atomic():
        if (row := locked.first()) is None:
            rate_windows.create_windows({credential.pk: declared}, LISTS)
            row = locked.get()
        now, length = clock.now(), timedelta(seconds=declared[1])
        if now >= row.started_at + length:
            row.window, row.opened_at, row.started_at, row.answered = row.window + 1, now, now, False
            row.next_slot = row.window * row.limit
        if row.next_slot >= (row.window + 1) * row.limit:
            return (row.started_at + length - now).total_seconds()
        row.next_slot += 1
        row.save(update_fields=["window", "opened_at", "started_at", "answered", "next_slot"])
    return 0.0


def _credential(usage: Usage) -> int:
    return usage.export.project.credential_id


def _credentials(usages: Iterable[Usage]) -> set[int]:
    return {_credential(usage) for usage in usages}


def _by_credential(rows: Iterable[RateWindow]) -> dict[int, RateWindow]:
    return {row.credential_id: row for row in rows}


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


def release_unused_slots() -> None:
    """Frees the rate slots of exports that no longer wait, so that the next export need not wait behind them."""
    for pk in RateWindow.objects.values_list("pk", flat=True):
        with transaction.atomic():
            row = RateWindow.objects.select_for_update().filter(pk=pk).first()
            if row is None or row.next_slot <= (row.window + 1) * row.limit:
                continue
            waiting = Export.objects.open().filter(project__credential_id=row.credential_id, rate_slot__isnull=False)
            last = waiting.aggregate(last=Max("rate_slot"))["last"]
            row.next_slot = min(row.next_slot, max((row.window + 1) * row.limit, -1 if last is None else last + 1))
            row.save(update_fields=["next_slot"])


def _number(headers: Mapping[str, str], name: str) -> int | None:
    """The value of a header; None where it is absent or no number of at most eight digits."""
    value = headers.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else None
