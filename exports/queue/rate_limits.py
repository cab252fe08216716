"""Staying inside a provider's limits by design: tickets per credential and rate class, shared by all workers.

A provider that publishes (or says in its headers) `limit` calls per `seconds` counts them in windows. So do we: every
step that needs a call draws a rate_slot, tickets `0 … limit-1` belong to the first window, and so on. A step whose window
has not begun is put off until it begins, which is also the time its page shows. A window begins with its first call,
and the provider counts from the same call; when exactly it arrived there is not known, only that it was after it left
and before its answer came. So a window of ours admits nothing more where theirs may be over, or a straggler would take
a place of their next one; and the next one of ours opens only when theirs surely is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max

from exports import clock
from exports.models import Credential, Export, RateLimitPause, RateWindow
from exports.queue.batch_sql import settle_many, update_many
from exports.queue.holds import rate_limit_hold_fields
from exports.queue.leases import Claim, LostClaimError

# What is on its way to the provider is counted there a moment later than here.
CLOCK_MARGIN_SECONDS: Final = 0.05
# From admission to arrival a step may have to write to the database, and a thread to wait for its turn.
EARLY_CLOSE_SHARE: Final = 0.1
MAX_EARLY_CLOSE_SECONDS: Final = 1.0
# More calls a window than anybody allows: what says so is not a limit.
MAX_LIMIT: Final = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What a step used: the rate_slot that admitted the first of its `calls`, and its last answer's headers.

    `drawn`: the allowance as it was when the rate_slot was drawn, where that is known.
    """

    export: Export
    rate_class: str
    rate_slot: int | None
    calls: int
    headers: Mapping[str, str]
    window_at_admission: RateWindow | None = None


def admit(claim: Claim, rate_class: str) -> bool:
    """Whether the step may call now. If not, it was put off until its window begins. Raises LostClaimError."""
    admitted = admit_many([claim], rate_class)
    if claim.lost:
        raise LostClaimError
    return bool(admitted)


def admit_many(claims: Sequence[Claim], rate_class: str) -> list[Claim]:
    """The claims whose steps may call now. The others were put off until their windows begin."""
    credentials = {claim.export.project.credential_id: claim.export.project.credential for claim in claims}
    pauses = RateLimitPause.in_force(credentials, rate_class)
    free = [claim for claim in claims if claim.export.project.credential_id not in pauses]
    waits = (
        _take_slots(free, rate_class)
        if any(rate_class in one.provider_definition.limits for one in credentials.values())
        else {}
    )
    put_off: list[tuple[Claim, dict[str, Any]]] = []
    for claim in claims:
        export = claim.export
        pause = pauses.get(export.project.credential_id)
        if pause is not None:
            seconds = max((pause.until - clock.now()).total_seconds(), 0) + clock.with_jitter(0.5)
            note = f"Waits for the provider's limit. {pause.reason}"
            put_off.append((claim, {"rate_slot": None, **rate_limit_hold_fields(export, seconds, note)}))
        elif export.pk in waits:
            calls, window = export.project.credential.provider_definition.limits[rate_class]
            note = f"Waits for its turn within the provider's limit ({rate_class}: {calls} in {window:g} s)."
            seconds = waits[export.pk] + CLOCK_MARGIN_SECONDS
            put_off.append((claim, {"rate_slot": export.rate_slot, **rate_limit_hold_fields(export, seconds, note)}))
    settle_many([claim for claim, _ in put_off], [row for _, row in put_off])
    waiting = {id(claim) for claim, _ in put_off}
    return [claim for claim in claims if id(claim) not in waiting]


def _take_slots(claims: Sequence[Claim], rate_class: str) -> dict[int, float]:
    """Draws a rate_slot for each, or uses the one that it holds, in one short transaction.

    Returns in how many seconds the window begins, for the exports whose window does not run yet.
    """
    waits: dict[int, float] = {}
    with transaction.atomic():
        rows = _rows(claims, rate_class)
        for claim in claims:
            if (row := rows.get(claim.export.project.credential_id)) is not None:
                claim.window_at_admission = row
                seconds = _take_slot(claim.export, row)
                if seconds is not None:
                    waits[claim.export.pk] = seconds
        update_many(list(rows.values()), ["window", "opened_at", "started_at", "answered", "next_slot", "seconds"])
    return waits


def _take_slot(export: Export, row: RateWindow) -> float | None:
    now, length = clock.now(), timedelta(seconds=row.seconds)
    leave = timedelta(seconds=min(row.seconds * EARLY_CLOSE_SHARE, MAX_EARLY_CLOSE_SECONDS))
    running = row.window if now < row.opened_at + length - leave else row.window + 1
    rate_slot = export.rate_slot
    if rate_slot is None or rate_slot // row.limit < running:  # none, or its window has passed
        rate_slot = max(row.next_slot, running * row.limit)
        row.next_slot = rate_slot + 1
    ahead = rate_slot // row.limit - row.window
    if ahead and now >= row.started_at + length * ahead + timedelta(seconds=CLOCK_MARGIN_SECONDS):
        row.window, row.opened_at, row.started_at, row.answered, ahead = row.window + ahead, now, now, False, 0
    export.rate_slot = rate_slot
    return max(0.0, (row.started_at + length * ahead - now).total_seconds()) if ahead else None


def _rows(claims: Sequence[Claim], rate_class: str) -> dict[int, RateWindow]:
    """The locked rows by credential; made at the first call, as a window that is over already."""
    limits = {
        claim.export.project.credential_id: claim.export.project.credential.provider_definition.limits[rate_class]
        for claim in claims
        if rate_class in claim.export.project.credential.provider_definition.limits
    }
    # In one order everywhere, so that two workers never wait for each other.
    locked = RateWindow.objects.select_for_update().filter(rate_class=rate_class).order_by("credential_id")
    rows = _by_credential(locked.filter(credential_id__in=limits))
    if missing := limits.keys() - rows.keys():
        _make({key: limits[key] for key in missing}, rate_class)
        rows = _by_credential(locked.filter(credential_id__in=limits))
    for key, row in rows.items():
        row.seconds = limits[key][1]  # the declaration may have changed with a new version
    return rows


def _make(limits: Mapping[int, tuple[int, float]], rate_class: str) -> None:
    made = [
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
    RateWindow.objects.bulk_create(made, ignore_conflicts=True)


def record_usage(usages: Sequence[Usage]) -> None:
    """Takes in what steps used and what headers said: the true limit, and whether others call too.

    Headers as PlayCanvas documents them: X-RateLimit-Limit, -Remaining.
    """
    told = [
        usage
        for usage in usages
        if usage.rate_slot is not None
        and usage.calls > 0
        and usage.rate_class in usage.export.project.credential.provider_definition.limits
    ]
    for rate_class in {usage.rate_class for usage in told}:
        of_class = [usage for usage in told if usage.rate_class == rate_class]
        found = RateWindow.objects.filter(rate_class=rate_class)
        # Nearly every answer says what was known when the rate_slot was drawn: then nothing is asked, and nobody waits.
        news = [
            usage
            for usage in of_class
            if usage.window_at_admission is None or _is_news(usage, usage.window_at_admission)
        ]
        if not news:
            continue
        with transaction.atomic():
            locked = found.select_for_update().filter(credential_id__in=_credentials(news))
            rows = _by_credential(locked.order_by("credential_id"))
            for usage in news:
                if (row := rows.get(_credential(usage))) is not None:
                    _record_one(usage, row)
            update_many(list(rows.values()), ["answered", "started_at", "next_slot", "limit", "window"])
        _mind_others(news, rows)


def learn_limits(credential: Credential, limits: Mapping[str, int]) -> None:
    """Takes in what the provider says it allows this credential, before any call has shown it.

    PlayCanvas' `GET /api/ratelimits` says so; a paid plan allows more than is declared.
    """
    for rate_class, (declared, seconds) in credential.provider_definition.limits.items():
        limit = limits.get(rate_class, 0)
        if not 0 < limit < MAX_LIMIT:
            continue
        with transaction.atomic():
            locked = RateWindow.objects.select_for_update().filter(credential=credential, rate_class=rate_class)
            if (row := locked.first()) is None and limit != declared:
                _make({credential.pk: (declared, seconds)}, rate_class)
                row = locked.first()
            if row is not None and limit != row.limit:
                _relimit(row, limit, None)
                row.save(update_fields=["window", "limit", "next_slot"])


def count_unadmitted_calls(credential: Credential, calls: int) -> None:
    """Counts calls that drew no rate_slot: tests of credentials, lists to pick from. Tickets drawn later make room."""
    RateWindow.objects.filter(credential=credential, rate_class="normal").update(next_slot=F("next_slot") + calls)


def _credential(usage: Usage) -> int:
    return usage.export.project.credential_id


def _credentials(usages: Iterable[Usage]) -> set[int]:
    return {_credential(usage) for usage in usages}


def _by_credential(rows: Iterable[RateWindow]) -> dict[int, RateWindow]:
    return {row.credential_id: row for row in rows}


def _is_news(usage: Usage, row: RateWindow) -> bool:
    """Whether the answer says more than the row said when the rate_slot was drawn."""
    limit, left = _number(usage.headers, "X-RateLimit-Limit"), _number(usage.headers, "X-RateLimit-Remaining")
    return usage.calls > 1 or left == 0 or (limit or row.limit) != row.limit or _is_first(usage, row)


def _is_first(usage: Usage, row: RateWindow) -> bool:
    return not row.answered and usage.rate_slot is not None and usage.rate_slot // row.limit == row.window


def _record_one(usage: Usage, row: RateWindow) -> None:
    if _is_first(usage, row):
        # Their window began no later than its first answer came; ours must not begin earlier than theirs.
        row.answered, row.started_at = True, clock.now()
    row.next_slot += usage.calls - 1
    limit, left = _number(usage.headers, "X-RateLimit-Limit"), _number(usage.headers, "X-RateLimit-Remaining")
    if limit and limit != row.limit:
        _relimit(row, limit, left)


def _mind_others(usages: Sequence[Usage], rows: Mapping[int, RateWindow]) -> None:
    """Nothing left where we had places left: somebody else uses this credential too, so it rests for a window."""
    for usage in usages:
        row = rows.get(_credential(usage))
        if row is None or usage.rate_slot is None or _number(usage.headers, "X-RateLimit-Remaining") != 0:
            continue
        # An answer of the window before says nothing of the one that runs.
        if usage.rate_slot // row.limit == row.window and (row.window + 1) * row.limit > row.next_slot:
            reason = "Something else uses up what this credential may call."
            RateLimitPause.extend(row.credential_id, row.rate_class, clock.seconds_from_now(row.seconds), reason)


def _relimit(row: RateWindow, limit: int, left: int | None) -> None:
    """The provider allows another number than was declared (a paid plan): every rate_slot held so far is drawn anew."""
    row.window, row.limit = row.next_slot // limit + 1, limit
    row.next_slot = row.window * limit + (limit - left if left is not None and left <= limit else limit)


def release_unused_slots() -> None:
    """Takes back the places of exports that no longer wait, so that the next one need not wait behind nobody."""
    for pk in RateWindow.objects.values_list("pk", flat=True):
        with transaction.atomic():
            row = RateWindow.objects.select_for_update().filter(pk=pk).first()
            if row is None or row.next_slot <= (row.window + 1) * row.limit:
                continue
            waiting = Export.objects.open().filter(project__credential_id=row.credential_id, rate_slot__isnull=False)
            last = waiting.aggregate(last=Max("rate_slot"))["last"]
            row.next_slot = min(row.next_slot, max((row.window + 1) * row.limit, -1 if last is None else last + 1))
            row.save(update_fields=["next_slot"])


def _number(head: Mapping[str, str], name: str) -> int | None:
    said = head.get(name, "")
    return int(said) if said.isdigit() and len(said) < 9 else None
