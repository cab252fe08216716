"""Staying inside a provider's rate limits: rate slots per credential and rate class, shared by all workers.

A provider that publishes (or says in its headers) `limit` calls per `seconds` counts them in windows. So does the
portal: every step that needs a call takes a rate slot. Slots `0 … limit-1` belong to the first window, and so on. A
step whose window has not begun is postponed until it begins, which is also the time its page shows.

A window begins with its first call, and the provider counts from the same call. When exactly that call arrived is not
known here, only that it was after it left and before its answer came. So a window here admits nothing more when the
provider's may be over, because a late call would take a place of the provider's next one; and the next window here
opens only when the provider's is surely over. Where little of the limit is used nobody waits for that: the next window
opens at once, and has room for both windows' calls (`rate_windows.follow_at_once`).
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max

from exports import clock
from exports.models import Credential, Export, RateLimitPause, RateWindow
from exports.providers.contract import LISTS, NORMAL
from exports.queue import rate_windows
from exports.queue.batch_sql import settle_many, update_many
from exports.queue.holds import rate_limit_hold_fields
from exports.queue.leases import Claim, LostClaimError

WINDOW_FIELDS: Final = ["window", "opened_at", "started_at", "answered", "next_slot", "seconds", "carried_calls"]


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
            seconds = waits[export.pk] + rate_windows.CLOCK_MARGIN_SECONDS
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
        update_many(list(rows.values()), WINDOW_FIELDS)
    return waits


def _take_slots_of_running_window(claims: Sequence[Claim], rate_class: str) -> bool:
    """Takes a slot for each export where all are of one credential, hold none, and fit into the window that runs."""
    credentials = {claim.export.project.credential_id for claim in claims}
    if len(credentials) != 1 or any(claim.export.rate_slot is not None for claim in claims):
        return False
    seconds = claims[0].export.project.credential.provider_definition.limits[rate_class][1]
    [credential_id] = credentials
    row = rate_windows.take_slots(credential_id, rate_class, seconds, len(claims))
    if row is None:
        return False
    for rate_slot, claim in enumerate(claims, row.next_slot - len(claims)):
        claim.export.rate_slot, claim.window_at_admission = rate_slot, row
    return True


def _take_slot(export: Export, row: RateWindow) -> float | None:
    """Sets the export's rate slot. Returns the seconds until its window begins, or None when it has begun."""
    now, length = clock.now(), timedelta(seconds=row.seconds)
    rate_windows.follow_at_once(row)
    running = row.window if now < rate_windows.closes_at(row) else row.window + 1
    rate_slot = export.rate_slot
    if rate_slot is None or rate_slot // row.limit < running:  # none, or its window has passed
        rate_slot = max(row.next_slot, running * row.limit)
        row.next_slot = rate_slot + 1
    export.rate_slot = rate_slot
    if not (ahead := rate_slot // row.limit - row.window):
        return None
    begins_at = rate_windows.next_begins_at(row) + length * (ahead - 1)
    if now < begins_at + timedelta(seconds=rate_windows.CLOCK_MARGIN_SECONDS):
        return max(0.0, (begins_at - now).total_seconds())
    row.window, row.opened_at, row.started_at, row.answered, row.carried_calls = row.window + ahead, now, now, False, 0
    return None


def _locked_windows(claims: Sequence[Claim], rate_class: str) -> dict[int, RateWindow]:
    """The locked rows by credential id. A missing row is created as a window that is over already."""
    limits = {
        claim.export.project.credential_id: claim.export.project.credential.provider_definition.limits[rate_class]
        for claim in claims
        if rate_class in claim.export.project.credential.provider_definition.limits
    }
    # Locked in one order everywhere, so that two workers never wait for each other.
    locked = RateWindow.objects.select_for_update().filter(rate_class=rate_class).order_by("credential_id")
    rows = rate_windows.by_credential(locked.filter(credential_id__in=limits))
    if missing := limits.keys() - rows.keys():
        rate_windows.create_windows({key: limits[key] for key in missing}, rate_class)
        rows = rate_windows.by_credential(locked.filter(credential_id__in=limits))
    for key, row in rows.items():
        row.seconds = limits[key][1]  # the declaration may have changed with a new version
    return rows


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
