"""Asking once: the request that makes the job, and the search for it when the answer was lost.

Before the request leaves, the intent and what the provider said just before are committed. After that only proof
that nothing was executed leads to a second request; without proof, `find` looks, and else a person decides.
"""

import logging
from dataclasses import replace
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q

from exports import clock, states
from exports.credentials.client import job_fields, open_client, retry_with_fresh_token
from exports.models import Change, Export, Project
from exports.models.export import OPEN
from exports.providers.contract import Absent, Accepted, Job, NotYet, Unknown
from exports.queue import circuit_breaker, inbound_webhooks
from exports.queue.holds import WAITS_FOR_EXPORT
from exports.queue.leases import Claim, LostClaimError
from exports.queue.rate_limits import Usage, admit, record_usage
from exports.settle.outcome import fail, postpone
from exports.steps.errors import MAX_UNREADABLE_ANSWERS, handle_error
from exports.steps.poll import apply_poll_result
from exports.transport.client import Client
from exports.transport.errors import (
    AddressError,
    BusyError,
    NotSentError,
    ProviderError,
    RefusedError,
    UnreadableError,
)

log = logging.getLogger(__name__)

FIRST_SEARCH_SECONDS: Final = 2.0
BLOCKED_RETRY_SECONDS: Final = 5.0
# For one that holds a place in a window that runs: it should not pass unused.
BLOCKED_WITH_SLOT_RETRY_SECONDS: Final = 1.0


def submit(claim: Claim) -> None:
    """Sends the request, or looks for the job when the request was sent before. Raises as `advance` expects."""
    export = claim.export
    if export.request_sent_at is None and (other := _must_end_first(export)) is not None:
        _wait_for(claim, other)  # before a place in the provider's limit is taken for nothing
        return
    rate_class = "normal" if export.request_sent_at else export.kind.rate_class
    if not circuit_breaker.admit_claims([claim]) or not admit(claim, rate_class):
        return
    with open_client(export.project.credential, export, claim.check) as client:
        rate_slot = export.rate_slot
        try:
            if export.request_sent_at is not None:
                _search(claim, client)
            else:
                _ask(claim, client)
        finally:
            record_usage([Usage(export, rate_class, rate_slot, client.call_count, client.last_headers)])


def build_job(export: Export) -> Job:
    """The export as its provider needs to know it before there is a job."""
    others = Export.objects.filter(
        project__remote_id=export.project.remote_id,
        project__credential__provider=export.project.credential.provider,
        type=export.type,
    )
    taken = others.exclude(pk=export.pk).exclude(remote_id="").values_list("remote_id", flat=True)
    hook = (
        inbound_webhooks.webhook_url(export) if export.project.credential.provider_definition.supports_webhooks else ""
    )
    return Job(**job_fields(export), watched_ids=frozenset(taken), webhook_url=hook)


def _ask(claim: Claim, client: Client) -> None:
    export, provider = claim.export, claim.export.project.credential.provider_definition
    job = build_job(export)
    ready = retry_with_fresh_token(client, lambda: provider.prepare(client, job))
    if isinstance(ready, NotYet):
        memo = export.memo if ready.memo is None else dict(ready.memo)
        postpone(claim, ready.seconds, ready.note, memo=memo, last_error_code="")
        return
    if (other := _intend(claim, dict(ready.baseline))) is not None:
        _wait_for(claim, other)
        return
    job = replace(job, baseline=export.baseline)
    try:
        accepted = retry_with_fresh_token(client, lambda: provider.submit(client, job))
    except (NotSentError, RefusedError) as error:
        # Provably not executed: the intent is taken back before anything else.
        claim.write(request_sent_at=None, baseline={})
        handle_error(claim, error)
    except LostClaimError:
        Export.objects.filter(pk=export.pk, fence=claim.fence).update(request_sent_at=None, baseline={})
        raise
    except ProviderError as error:
        if isinstance(error, UnreadableError) and error.final:
            raise
        postpone(
            claim,
            FIRST_SEARCH_SECONDS,
            f"{error.message} Looking for the job.",
            consecutive_failures=export.consecutive_failures + 1,
            search_attempts=0,
        )
    else:
        _accept_surely(claim, accepted)


def _accept_surely(claim: Claim, accepted: Accepted) -> None:
    """The provider's answer must not be lost to a hiccup of the database: what it named may be all that leads back."""
    for last in (False, False, False, True):
        try:
            record_acceptance(claim, accepted)
        except (OperationalError, InterfaceError):
            if last:
                log.critical(
                    "Export %s was accepted as %s, and it could not be noted.", claim.export.pk, accepted.remote_id
                )
                raise
            connection.close()
            claim.stopped.wait(1.0)
        else:
            return


def _must_end_first(export: Export) -> Export | None:
    """The export that must end, or be answered, before this one's request may leave.

    While one request of a project is unanswered, no second one of the same kind leaves: at most one candidate is
    ever ambiguous. Kinds that run alone wait for the whole job.
    """
    busy = Q(request_sent_at__isnull=False, remote_id="", step=states.SUBMIT)
    if export.kind.exclusive:
        busy |= Q(step__in=[states.POLL, states.FETCH])
    credential = export.project.credential
    same = Export.objects.filter(
        busy,
        status__in=OPEN,
        type=export.type,
        project__remote_id=export.project.remote_id,
        project__credential__provider=credential.provider,
    )
    # One account may be spelled in several ways ("", "production", the address): what it leads to counts.
    candidates = same.exclude(pk=export.pk).select_related("project__credential")
    return next((one for one in candidates if one.project.credential.origin_url == credential.origin_url), None)


def _wait_for(claim: Claim, other: Export) -> None:
    which = f"export {other.pk}" if other.team_id == claim.export.team_id else "another export"
    note = f"Waits for {which}, which runs for the same project."
    rate_slot = claim.export.rate_slot
    seconds = BLOCKED_RETRY_SECONDS if rate_slot is None else BLOCKED_WITH_SLOT_RETRY_SECONDS
    postpone(claim, clock.with_jitter(seconds), note, last_error_code=WAITS_FOR_EXPORT, rate_slot=rate_slot)


def _let_next(export: Export) -> None:
    """The first that waits for this one's answer need not wait out its time: one with a place in the limit, if any."""
    waiting = Export.objects.open().filter(
        type=export.type,
        project__remote_id=export.project.remote_id,
        step=states.SUBMIT,
        last_error_code=WAITS_FOR_EXPORT,
        held_until=None,
    )
    first = waiting.order_by(F("rate_slot").asc(nulls_last=True), "pk").values_list("pk", flat=True).first()
    if first is not None:
        Export.objects.filter(pk=first, last_error_code=WAITS_FOR_EXPORT, held_until=None).update(
            next_step_at=clock.now()
        )


def _intend(claim: Claim, baseline: dict[str, object]) -> Export | None:
    """Commits that the request is about to leave. Returns the export that must end first, if there is one."""
    export = claim.export
    with transaction.atomic():
        list(Project.objects.select_for_update().filter(remote_id=export.project.remote_id).order_by("pk"))
        other = _must_end_first(export)
        if other is None:
            # The place in the limit is used up; looking for a job is counted elsewhere.
            claim.write(request_sent_at=clock.now(), baseline=baseline, search_attempts=0, rate_slot=None)
    return other


def _search(claim: Claim, client: Client) -> None:
    export, provider = claim.export, claim.export.project.credential.provider_definition
    job = build_job(export)
    try:
        found = retry_with_fresh_token(client, lambda: provider.find(client, job))
    except BusyError:
        raise
    except UnreadableError as error:
        if not error.final and export.unreadable_answers + 1 < MAX_UNREADABLE_ANSWERS:
            raise
        found = Unknown(f"Looking for it failed: {error.message}")
    except (RefusedError, AddressError) as error:
        found = Unknown(f"Looking for it failed: {error.message}")
    if isinstance(found, Accepted):
        record_acceptance(claim, found, note=f"Found the job at {provider.label} after its answer was lost.")
    elif isinstance(found, Absent):
        # The time between the looks is what makes a proof of two; other things may bring the second one forward.
        first = float(export.baseline.get("absent_at") or 0)
        left = found.search_again_after - (clock.now().timestamp() - first)
        if found.search_again_after and (not first or left > 0):
            note = "The job is not there; looks once more to be sure."
            baseline = {**export.baseline, "absent_at": first or clock.now().timestamp()}
            postpone(claim, left if first else found.search_again_after, note, search_attempts=1, baseline=baseline)
        else:
            claim.settle(
                request_sent_at=None, baseline={}, search_attempts=0, next_step_at=clock.now(), wait_note="Asks again."
            )
    elif export.search_attempts < found.extra_searches:
        postpone(claim, found.seconds, "Looking for the job.", search_attempts=export.search_attempts + 1)
    else:
        fail(
            claim,
            "unconfirmed",
            f"The request was sent, but its answer was lost, and whether it was executed cannot be known."
            f" {found.message} Look at {provider.label}, then adopt the job that runs there, or retry.",
            source="worker",
        )


def record_acceptance(claim: Claim, accepted: Accepted, note: str = "") -> None:
    """The job exists: notes its id before anything else, then what it looked like. No answer is too late."""
    export, kind, status = claim.export, claim.export.kind, accepted.status
    fields: dict[str, Any] = {
        "remote_id": accepted.remote_id[:200],
        "submitted_at": export.request_sent_at,
        "started_at": clock.now(),
        "step": states.POLL,
        "next_step_at": clock.seconds_from_now(clock.with_jitter(kind.poll_interval.initial)),
        "deadline_at": clock.seconds_from_now(kind.deadline.total_seconds()),
        "provider_status": status.provider_status[:200],
        "progress": status.progress,
        "messages": list(status.messages),
        "memo": export.memo if status.memo is None else dict(status.memo),
        "consecutive_failures": 0,
        "unreadable_answers": 0,
        "search_attempts": 0,
        "last_error_code": "",
        "wait_note": "",
        "held_until": None,
        "crash_count": 0,
        "rate_slot": None,
    }
    note = " ".join(filter(None, [note, status.note]))
    at_once = status.state == "done" and not kind.has_file
    if at_once:
        moved = export.move(states.SUCCEEDED, source="worker", note=note, fence=claim.fence, **fields)
    else:
        moved = export.move(states.PROCESSING, source="worker", note=note, fence=claim.fence, **fields)
    if not moved:
        _accept_late(export, accepted, fields)
    elif not at_once and status.state not in ("running", "unknown"):
        apply_poll_result(claim, status, source="worker")
    _let_next(export)


def _accept_late(export: Export, accepted: Accepted, fields: dict[str, Any]) -> None:
    """The claim was lost while the answer was on its way; the job exists all the same, so its id is kept."""
    with transaction.atomic():
        row = Export.objects.select_for_update().get(pk=export.pk)
        if row.remote_id:
            return
        if row.status == states.WAITING:
            row.move(states.PROCESSING, source="worker", note="Accepted late.", fence=row.fence, **fields)
            # Whoever is looking for the job meanwhile must not write over this.
            Export.objects.filter(pk=row.pk).update(fence=F("fence") + 1)
        elif not row.is_open:
            row.remote_id, row.provider_status = accepted.remote_id[:200], accepted.status.provider_status[:200]
            row.save(update_fields=["remote_id", "provider_status"])
            Change.append(row, row.status, source="worker", note=f"Accepted after all, as {accepted.remote_id}.")
