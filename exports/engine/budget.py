"""Staying inside a provider's limits by design: tickets per credential and rate class, shared by all workers.

A provider that publishes (or says in its headers) `limit` calls per `seconds` counts them in windows. So do we: every
step that needs a call draws a ticket, tickets `0 … limit-1` belong to the first window, and so on. A step whose window
has not begun is put off until it begins, which is also the time its page shows. A window begins with its first call,
never earlier than `seconds` after the one before began: the provider counts from the same call, so nothing of ours ever
falls into a window of theirs that is already full.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max

from exports.engine import clock
from exports.engine.claim import Claim
from exports.engine.outcome import hold
from exports.models import Allowance, Export, Pause

# What is on its way to the provider is counted there a moment later than here.
MARGIN_SECONDS: Final = 0.05


@dataclass(frozen=True)
class Verdict:
    """Whether the step may call now; else in how many seconds its window begins (an estimate that only grows)."""

    now: bool
    seconds: float = 0.0


def admit(claim: Claim, rate_class: str) -> bool:
    """Whether the step may call now. If not, it was put off until its window begins. Raises LostClaimError."""
    export = claim.export
    pause = Pause.of(export.project.credential_id, rate_class)
    if pause is not None:
        seconds = (pause.until - clock.now()).total_seconds()
        note = f"Waits for the provider's limit. {pause.reason}"
        hold(claim, max(seconds, 0) + clock.jittered(0.5), note, ticket=None)
        return False
    declared = export.project.credential.declared.limits.get(rate_class)
    if declared is None:
        return True
    verdict = _draw(claim, rate_class, *declared)
    if not verdict.now:
        allowed = f"{declared[0]} in {declared[1]:g} s"
        note = f"Waits for its turn within the provider's limit ({rate_class}: {allowed})."
        hold(claim, verdict.seconds + MARGIN_SECONDS, note, ticket=export.ticket)
    return verdict.now


def _draw(claim: Claim, rate_class: str, limit: int, seconds: float) -> Verdict:
    """Draws a ticket, or uses the one that the export holds, in one short transaction."""
    export, now = claim.export, clock.now()
    with transaction.atomic():
        row = _row(export.project.credential_id, rate_class, limit, seconds)
        length = timedelta(seconds=row.seconds)
        ticket = export.ticket
        if ticket is None or ticket // row.limit < row.window:  # none, or its window has passed
            ticket = row.issued
            if ticket // row.limit == row.window and row.started_at + length <= now:
                ticket = (row.window + 1) * row.limit  # the running window is over; the next opens with this call
            row.issued = ticket + 1
        ahead = ticket // row.limit - row.window
        if ahead and now >= row.started_at + length * ahead + timedelta(seconds=MARGIN_SECONDS):
            row.window, row.started_at, row.answered, ahead = row.window + ahead, now, False, 0
        row.save(update_fields=["window", "started_at", "answered", "issued", "seconds"])
        export.ticket = ticket
        begins = row.started_at + length * ahead
    return Verdict(True) if not ahead else Verdict(False, max(0.0, (begins - now).total_seconds()))


def _row(credential_id: int, rate_class: str, limit: int, seconds: float) -> Allowance:
    """The locked row; made at the first call, as a window that is over already."""
    past = clock.now() - timedelta(seconds=seconds + 1)
    made = {"limit": limit, "seconds": seconds, "started_at": past, "issued": limit}
    Allowance.objects.get_or_create(credential_id=credential_id, rate_class=rate_class, defaults=made)
    row = Allowance.objects.select_for_update().get(credential_id=credential_id, rate_class=rate_class)
    row.seconds = seconds  # the declaration may have changed with a new version
    return row


def heed(export: Export, rate_class: str, ticket: int | None, calls: int, head: Mapping[str, str]) -> None:
    """Takes in what a step used and what its last answer's headers say: the true limit, and whether others call too.

    `ticket` admitted the first of its `calls`. Headers as PlayCanvas documents them: X-RateLimit-Limit, -Remaining.
    """
    credential = export.project.credential
    if ticket is None or calls < 1 or rate_class not in credential.declared.limits:
        return
    limit, left = _number(head, "X-RateLimit-Limit"), _number(head, "X-RateLimit-Remaining")
    with transaction.atomic():
        rows = Allowance.objects.select_for_update().filter(credential_id=credential.pk, rate_class=rate_class)
        row = rows.first()
        if row is None:
            return
        if not row.answered and ticket // row.limit == row.window:
            # Their window began no later than its first answer came; ours must not begin earlier than theirs.
            row.answered, row.started_at = True, clock.now()
        row.issued += calls - 1
        if limit and limit != row.limit:
            _relimit(row, limit, left)
        row.save(update_fields=["answered", "started_at", "issued", "limit", "window"])
        spare = (row.window + 1) * row.limit - row.issued
    if left == 0 and spare > 0:
        reason = "Something else uses up what this credential may call."
        Pause.extend(credential.pk, rate_class, clock.after(row.seconds), reason)


def _relimit(row: Allowance, limit: int, left: int | None) -> None:
    """The provider allows another number than was declared (a paid plan): every ticket held so far is drawn anew."""
    row.window, row.limit = row.issued // limit + 1, limit
    row.issued = row.window * limit + (limit - left if left is not None and left <= limit else limit)


def tidy() -> None:
    """Takes back the places of exports that no longer wait, so that the next one need not wait behind nobody."""
    for pk in Allowance.objects.values_list("pk", flat=True):
        with transaction.atomic():
            row = Allowance.objects.select_for_update().filter(pk=pk).first()
            if row is None or row.issued <= (row.window + 1) * row.limit:
                continue
            waiting = Export.objects.open().filter(project__credential_id=row.credential_id, ticket__isnull=False)
            last = waiting.aggregate(last=Max("ticket"))["last"]
            row.issued = min(row.issued, max((row.window + 1) * row.limit, -1 if last is None else last + 1))
            row.save(update_fields=["issued"])


def _number(head: Mapping[str, str], name: str) -> int | None:
    said = head.get(name, "")
    return int(said) if said.isdigit() and len(said) < 9 else None
