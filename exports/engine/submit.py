"""Asking once: the request that makes the job, and the search for it when the answer was lost.

Before the request leaves, the intent and what the provider said just before are committed. After that only proof
that nothing was executed leads to a second request; without proof, `find` looks, and else a person decides.
"""

from dataclasses import replace
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from exports import states
from exports.engine import clock, hooks
from exports.engine.claim import Claim, LostClaimError
from exports.engine.connect import connect, job_fields, with_fresh_token
from exports.engine.outcome import fail, postpone
from exports.engine.poll import see
from exports.engine.trouble import meet, paused
from exports.models import Change, Export, Project
from exports.models.export import OPEN
from exports.providers.base import Absent, Accepted, Job, NotYet, Unknown
from exports.providers.errors import BusyError, NotSentError, ProviderError, RefusedError, UnreadableError
from exports.providers.http import Client

SEARCH_SECONDS: Final = 2.0
TURN_SECONDS: Final = 5.0


def submit(claim: Claim) -> None:
    """Sends the request, or looks for the job when the request was sent before. Raises as `advance` expects."""
    export = claim.export
    if paused(claim, "normal" if export.asked_at else export.kind.rate_class):
        return
    with connect(export.project.credential, export, claim.check) as client:
        if export.asked_at is not None:
            _search(claim, client)
        else:
            _ask(claim, client)


def job_of(export: Export) -> Job:
    """The export as its provider needs to know it before there is a job."""
    others = Export.objects.filter(project__remote_id=export.project.remote_id, team=export.team_id, type=export.type)
    taken = others.exclude(pk=export.pk).exclude(remote_id="").values_list("remote_id", flat=True)
    hook = hooks.address(export) if export.project.credential.declared.hooks else ""
    return Job(**job_fields(export), taken=frozenset(taken), hook=hook)


def _ask(claim: Claim, client: Client) -> None:
    export, provider = claim.export, client.provider
    job = job_of(export)
    ready = with_fresh_token(client, lambda: provider.prepare(client, job))
    if isinstance(ready, NotYet):
        memo = export.memo if ready.memo is None else dict(ready.memo)
        postpone(claim, ready.seconds, ready.note, memo=memo, trouble="")
        return
    if (other := _intend(claim, dict(ready.baseline))) is not None:
        postpone(claim, clock.jittered(TURN_SECONDS), f"Waits for export {other}, which runs for the same project.")
        return
    job = replace(job, baseline=export.baseline)
    try:
        accepted = with_fresh_token(client, lambda: provider.submit(client, job))
    except (NotSentError, RefusedError) as error:
        # Provably not executed: the intent is taken back before anything else.
        claim.write(asked_at=None, baseline={})
        meet(claim, error)
    except LostClaimError:
        Export.objects.filter(pk=export.pk, fence=claim.fence).update(asked_at=None, baseline={})
        raise
    except ProviderError as error:
        if isinstance(error, UnreadableError) and error.final:
            raise
        postpone(claim, SEARCH_SECONDS, f"{error.message} Looking for the job.", misses=export.misses + 1, looks=0)
    else:
        accept(claim, accepted)


def _intend(claim: Claim, baseline: dict[str, object]) -> int | None:
    """Commits that the request is about to leave. Returns the export that must end first, if there is one.

    While one request of a project is unanswered, no second one of the same kind leaves: at most one candidate is
    ever ambiguous. Kinds that run alone wait for the whole job.
    """
    export = claim.export
    busy = Q(asked_at__isnull=False, remote_id="", step=states.SUBMIT)
    if export.kind.alone:
        busy |= Q(step__in=[states.POLL, states.FETCH])
    credential = export.project.credential
    with transaction.atomic():
        list(Project.objects.select_for_update().filter(pk=export.project_id))
        same = Export.objects.filter(
            busy,
            status__in=OPEN,
            type=export.type,
            project__remote_id=export.project.remote_id,
            project__credential__provider=credential.provider,
            project__credential__origin=credential.origin,
        )
        other = same.exclude(pk=export.pk).values_list("pk", flat=True).first()
        if other is None:
            claim.write(asked_at=clock.now(), baseline=baseline, looks=0)
    return other


def _search(claim: Claim, client: Client) -> None:
    export, provider = claim.export, client.provider
    job = job_of(export)
    try:
        found = with_fresh_token(client, lambda: provider.find(client, job))
    except BusyError:
        raise
    except RefusedError as error:
        found = Unknown(f"Looking for it failed: {error.message}")
    if isinstance(found, Accepted):
        accept(claim, found, note=f"Found the job at {provider.label} after its answer was lost.")
    elif isinstance(found, Absent):
        if found.again_after and not export.looks:
            postpone(claim, found.again_after, "The job is not there; looks once more to be sure.", looks=1)
        else:
            claim.settle(asked_at=None, baseline={}, looks=0, next_step_at=clock.now(), wait_note="Asks again.")
    elif export.looks < found.look_again:
        postpone(claim, found.seconds, "Looking for the job.", looks=export.looks + 1)
    else:
        fail(
            claim,
            "unconfirmed",
            f"The request was sent, but its answer was lost, and whether it was executed cannot be known."
            f" {found.message} Look at {provider.label}, then adopt the job that runs there, or retry.",
            source="worker",
        )


def accept(claim: Claim, accepted: Accepted, note: str = "") -> None:
    """The job exists: notes its id before anything else, then what it looked like. No answer is too late."""
    export, kind, sight = claim.export, claim.export.kind, accepted.sight
    fields: dict[str, Any] = {
        "remote_id": accepted.remote_id[:200],
        "submitted_at": export.asked_at,
        "started_at": clock.now(),
        "step": states.POLL,
        "next_step_at": clock.after(clock.jittered(kind.pace.first)),
        "deadline_at": clock.after(kind.deadline.total_seconds()),
        "provider_status": sight.word[:200],
        "progress": sight.progress,
        "messages": list(sight.messages),
        "memo": export.memo if sight.memo is None else dict(sight.memo),
        "misses": 0,
        "unreadable": 0,
        "looks": 0,
        "trouble": "",
        "wait_note": "",
        "held_until": None,
        "stalls": 0,
    }
    note = " ".join(filter(None, [note, sight.note]))
    at_once = sight.state == "done" and not kind.has_file
    if at_once:
        moved = export.move(states.SUCCEEDED, source="worker", note=note, fence=claim.fence, **fields)
    else:
        moved = export.move(states.PROCESSING, source="worker", note=note, fence=claim.fence, **fields)
    if not moved:
        _accept_late(export, accepted, fields)
    elif not at_once and sight.state not in ("running", "unknown"):
        see(claim, sight, source="worker")


def _accept_late(export: Export, accepted: Accepted, fields: dict[str, Any]) -> None:
    """The claim was lost while the answer was on its way; the job exists all the same, so its id is kept."""
    with transaction.atomic():
        row = Export.objects.select_for_update().get(pk=export.pk)
        if row.remote_id:
            return
        if row.status == states.WAITING:
            row.move(states.PROCESSING, source="worker", note="Accepted late.", fence=row.fence, **fields)
        elif not row.is_open:
            row.remote_id, row.provider_status = accepted.remote_id[:200], accepted.sight.word[:200]
            row.save(update_fields=["remote_id", "provider_status"])
            Change.append(row, row.status, source="worker", note=f"Accepted after all, as {accepted.remote_id}.")
