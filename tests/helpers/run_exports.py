"""Runs exports without a worker: the same claims and steps, without the waiting."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q

from exports import clock, states
from exports.exporting.create import ExportRequest, Requester, create_export, hash_options
from exports.models import Change, Export, Member, Project
from exports.notify import outbox
from exports.notify.fan_out import fan_out
from exports.queue import deliveries, leases
from exports.queue.fairness import Running
from exports.queue.leases import Claim, release
from exports.steps.run import run_step

EVERY_STEP = (states.SUBMIT, states.POLL, states.FETCH)


def request_export(project: Project, member: Member, type_: str, format_: str = "", **more: Any) -> Export:
    """An export as a person asks for it."""
    return create_export(project, ExportRequest(type_, format_, confirm=True, **more), Requester(member.user))


def make_due() -> None:
    """Leaves out the waiting: what is open and not under way is due now, as if the time until then had passed."""
    now = clock.now()
    idle = Q(held_until__isnull=True) | Q(held_until__lt=now)
    for export in Export.objects.open().filter(idle, in_doubt_since__isnull=False, next_step_at__gt=now):
        passed = export.next_step_at - now
        Export.objects.filter(pk=export.pk).update(in_doubt_since=export.in_doubt_since - passed)
    Export.objects.open().filter(idle).update(next_step_at=now)


def claim_due(steps: Sequence[str], limit: int, running: Iterable[Running] = (), *, fair: bool = True) -> list[Claim]:
    """Claims as the dispatcher does for a message, and begins them as the message's task does."""
    oldest = [at for step, at in leases.oldest_due_by_step().items() if step in steps]
    if not oldest:
        return []
    with transaction.atomic():
        reserved = leases.reserve(steps, limit, min(oldest) if fair else clock.now(), list(running))
    return leases.begin([(one.export_id, one.fence) for one in reserved])


def deliver_due() -> int:
    """Sends what is due, as the dispatcher and the tasks would. Returns how many messages were sent."""
    while fan_out():
        pass
    with transaction.atomic():
        reserved = deliveries.reserve(20)
    return sum(outbox.deliver(message.pk) for message in reserved)


def in_hand(claims: Iterable[Claim]) -> list[Running]:
    """What these claims count as, where teams take turns."""
    return [(claim.export.team_id, claim.export.project_id, 1) for claim in claims]


def claim_next_step(export: Export) -> Claim:
    """A claim on the next step of this export."""
    make_due()
    claims = {claim.export.pk: claim for claim in claim_due(EVERY_STEP, 100)}
    mine = claims.pop(export.pk)
    for other in claims.values():
        release(other)
    return mine


def take_step(export: Export) -> Export:
    """Takes one step of this export, now."""
    run_step(claim_next_step(export))
    export.refresh_from_db()
    return export


def run_to_end(export: Export, seconds: float = 60.0, pause: float = 0.02) -> Export:
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
            run_step(claim)
        time.sleep(pause)


def status_history(export: Export) -> list[tuple[str | None, str]]:
    """The moves of an export, without the rows where only the provider's word changed."""
    rows = Change.objects.filter(export=export).order_by("seq")
    return [(row.from_status, row.to_status) for row in rows if row.from_status != row.to_status]


def create_due_exports(project: Project, member: Member, many: int, since: datetime) -> list[Export]:
    """So many exports of a project, due since then."""
    made = [
        Export(
            team_id=project.team_id,
            project=project,
            user=member.user,
            trigger="person",
            type="orders",
            format="csv",
            options_key=hash_options({}),
            next_step_at=since,
            deadline_at=clock.seconds_from_now(3600),
        )
        for _ in range(many)
    ]
    return Export.objects.bulk_create(made, batch_size=500)
