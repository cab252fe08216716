"""Claims: who may take the next step of an export, and whether they still may.

A claim pushes `next_step_at` a short lease ahead and adds one to `fence`. It is renewed while its step is under way;
when its process dies the row is simply due again. A result counts only while the fence stands.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q

from exports.engine import clock
from exports.models import Export
from exports.models.export import OPEN

LEASE_SECONDS: Final = 10.0


class LostClaimError(Exception):
    """The claim no longer stands: canceled, or its lease ran out. What was brought is dropped."""


@dataclass
class Claim:
    """The right to take one step. `held_until`: monotonic seconds until which the lease surely stands."""

    export: Export
    fence: int
    held_until: float
    lost: bool = field(default=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def check(self) -> None:
        """Raises LostClaimError when the claim may no longer stand."""
        if self.lost or time.monotonic() > self.held_until - 1:
            raise LostClaimError

    def settle(self, **fields: Any) -> None:
        """Writes what the step brought, and gives the claim back. Raises LostClaimError when it no longer stands."""
        self.write(**{"ticket": None, **fields, "held_until": None, "stalls": 0})

    def write(self, **fields: Any) -> None:
        """Writes in the middle of a step and keeps the claim. Raises LostClaimError when it no longer stands."""
        rows = Export.objects.filter(pk=self.export.pk, fence=self.fence, status__in=OPEN)
        if not rows.update(**fields):
            self.lost = True
            raise LostClaimError
        for name, value in fields.items():
            setattr(self.export, name, value)


def claim_due(steps: Sequence[str], limit: int) -> list[Claim]:
    """Claims up to `limit` due exports whose next step is one of these, the longest waiting first."""
    now = clock.now()
    due = Export.objects.due(now).filter(step__in=steps)
    if limit < 1 or not due.exists():  # a plain read first: an idle worker must not take SQLite's write lock
        return []
    begun = time.monotonic()
    with transaction.atomic():
        ids = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        until = now + timedelta(seconds=LEASE_SECONDS)
        Export.objects.filter(pk__in=ids).update(
            next_step_at=until, held_until=until, fence=F("fence") + 1, stalls=F("stalls") + 1
        )
        exports = list(Export.objects.filter(pk__in=ids).select_related("project__credential", "team", "user"))
    return [Claim(export, export.fence, begun + LEASE_SECONDS) for export in exports]


def renew(claims: Iterable[Claim]) -> None:
    """Renews the leases of steps under way, and marks the claims that no longer stand."""
    claims = list(claims)
    if not claims:
        return
    begun = time.monotonic()
    standing = Q()
    for claim in claims:
        standing |= Q(pk=claim.export.pk, fence=claim.fence)
    until = clock.after(LEASE_SECONDS)
    with transaction.atomic():
        # A step that has settled has planned its next time already: only what is still held is renewed.
        rows = Export.objects.filter(standing, status__in=OPEN, held_until__isnull=False)
        held = dict(rows.select_for_update().values_list("pk", "fence"))
        rows.update(next_step_at=until, held_until=until)
    for claim in claims:
        if held.get(claim.export.pk) == claim.fence:
            claim.held_until = begun + LEASE_SECONDS
        else:
            claim.lost = True


def release(claim: Claim) -> None:
    """Gives a claim back untouched, so that another worker need not wait for its lease to end."""
    rows = Export.objects.filter(pk=claim.export.pk, fence=claim.fence, status__in=OPEN)
    rows.update(next_step_at=clock.now(), held_until=None, fence=F("fence") + 1, stalls=0)
    claim.lost = True
