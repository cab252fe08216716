"""Driving exports without a worker: the same claims and steps, with the waiting left out."""

import time
from datetime import datetime
from typing import Any

from django.db.models import Q

from exports import states
from exports.engine import clock
from exports.engine.advance import advance
from exports.engine.claim import Claim, claim_due, release
from exports.engine.request import Asker, Wish, options_key, request
from exports.models import Change, Export, Member, Project

EVERY_STEP = (states.SUBMIT, states.POLL, states.FETCH)


def ask(project: Project, member: Member, type_: str, format_: str = "", **more: Any) -> Export:
    """An export as a person asks for it."""
    return request(project, Wish(type_, format_, confirm=True, **more), Asker(member.user))


def make_due() -> None:
    """Leaves out the waiting: what is open and not under way is due now."""
    idle = Q(held_until__isnull=True) | Q(held_until__lt=clock.now())
    Export.objects.open().filter(idle).update(next_step_at=clock.now())
    for export in Export.objects.open().filter(idle, baseline__has_key="absent_at"):
        Export.objects.filter(pk=export.pk).update(baseline={**export.baseline, "absent_at": 1.0})


def claim_one(export: Export) -> Claim:
    """A claim on the next step of this export."""
    make_due()
    claims = {claim.export.pk: claim for claim in claim_due(EVERY_STEP, 100)}
    mine = claims.pop(export.pk)
    for other in claims.values():
        release(other)
    return mine


def step(export: Export) -> Export:
    """Takes one step of this export, now."""
    advance(claim_one(export))
    export.refresh_from_db()
    return export


def drive(export: Export, seconds: float = 60.0, pause: float = 0.02) -> Export:
    """Takes steps until the export has ended. Fails after so many seconds."""
    ends = time.monotonic() + seconds
    while True:
        export.refresh_from_db()
        if not export.is_open:
            return export
        if time.monotonic() > ends:
            raise AssertionError(f"still {export.status} ({export.step}): {export.wait_note or export.provider_status}")
        make_due()
        for claim in claim_due(EVERY_STEP, 100):
            advance(claim)
        time.sleep(pause)


def story(export: Export) -> list[tuple[str | None, str]]:
    """The moves of an export, without the rows where only the provider's word changed."""
    rows = Change.objects.filter(export=export).order_by("seq")
    return [(row.from_status, row.to_status) for row in rows if row.from_status != row.to_status]


def pile(project: Project, member: Member, many: int, since: datetime) -> list[Export]:
    """So many exports of a project, due since then."""
    made = [
        Export(
            team_id=project.team_id,
            project=project,
            user=member.user,
            trigger="person",
            type="orders",
            format="csv",
            options_key=options_key({}),
            next_step_at=since,
            deadline_at=clock.after(3600),
        )
        for _ in range(many)
    ]
    return Export.objects.bulk_create(made, batch_size=500)
