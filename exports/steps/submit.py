"""The request that makes the job at the provider, sent once.

Before the request leaves, the intent and what the provider said just before are committed. Only proof that nothing was
executed leads to a second request; without proof `exports.steps.reconcile` searches for the job, and else a person
decides.
"""

import logging
from dataclasses import replace
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from exports import clock, states
from exports.credentials.client import open_client, retry_with_fresh_token
from exports.models import Export
from exports.models.export import OPEN
from exports.providers.contract import Accepted, NotYet
from exports.queue import circuit_breaker
from exports.queue.holds import WAITS_FOR_EXPORT
from exports.queue.leases import Claim, LostClaimError
from exports.queue.rate_limits import Usage, admit, record_usage
from exports.settle.acceptance import record_acceptance
from exports.settle.outcome import postpone
from exports.steps.errors import handle_error
from exports.steps.job import build_job
from exports.steps.reconcile import search_for_job
from exports.transport.client import Client
from exports.transport.errors import NotSentError, ProviderError, RefusedError, UnreadableError

log = logging.getLogger(__name__)

FIRST_SEARCH_SECONDS: Final = 2.0
BLOCKED_RETRY_SECONDS: Final = 5.0
# An export that has a slot in a rate window which runs already must not let the slot pass unused.
BLOCKED_WITH_SLOT_RETRY_SECONDS: Final = 1.0
ACCEPTANCE_RETRY_SECONDS: Final = 1.0

# All teams' projects of this name at providers: whose accounts they are, is compared where one is busy.
PROJECTS_SQL: Final = "SELECT id FROM exports_project WHERE remote_id = %s ORDER BY id"
BUSY_SQL: Final = """
    SELECT 1 FROM exports_export e JOIN exports_project p ON p.id = e.project_id
    WHERE p.remote_id = %s AND e.type = %s AND e.id <> %s AND e.next_step_at IS NOT NULL
        AND (e.request_sent_at IS NOT NULL OR e.step <> 'submit') LIMIT 1
"""


def submit(claim: Claim) -> None:
    """Sends the request, or searches for the job when the request was sent before.

    Raises ProviderError, CryptoError and LostClaimError, which `exports.steps.run` handles.
    """
    export = claim.export
    if export.request_sent_at is None and _may_be_blocked(claim):
        other = _find_blocking_export(export)
        if other is not None:
            _wait_for(claim, other)  # before a slot in the rate limit is taken for nothing
            return
    rate_class = "normal" if export.request_sent_at else export.kind.rate_class
    if not circuit_breaker.admit_claims([claim]) or not admit(claim, rate_class):
        return
    with open_client(export.project.credential, export, claim.check) as client:
        rate_slot = export.rate_slot
        try:
            if export.request_sent_at is not None:
                search_for_job(claim, client)
            else:
                _send_request(claim, client)
        finally:
            window = claim.window_at_admission
            record_usage([Usage(export, rate_class, rate_slot, client.call_count, client.last_headers, window)])


def _send_request(claim: Claim, client: Client) -> None:
    export, provider = claim.export, claim.export.project.credential.provider_definition
    job = build_job(export)
    ready = retry_with_fresh_token(client, lambda: provider.prepare(client, job))
    if isinstance(ready, NotYet):
        memo = export.memo if ready.memo is None else dict(ready.memo)
        postpone(claim, ready.seconds, ready.note, memo=memo, last_error_code="")
        return
    if (other := _commit_intent(claim, dict(ready.baseline))) is not None:
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
        _record_acceptance_with_retries(claim, accepted)


def _record_acceptance_with_retries(claim: Claim, accepted: Accepted) -> None:
    """Tries four times: the id in the answer may be all that leads back to the job, so no hiccup may lose it."""
    for last_try in (False, False, False, True):
        try:
            record_acceptance(claim, accepted)
        except (OperationalError, InterfaceError):
            if last_try:
                log.critical(
                    "Export %s was accepted as %s, and it could not be recorded.", claim.export.pk, accepted.remote_id
                )
                raise
            connection.close()
            claim.stopped.wait(ACCEPTANCE_RETRY_SECONDS)
        else:
            return


def _may_be_blocked(claim: Claim) -> bool:
    seen = claim.seen_at_begin
    return seen.unanswered_request or (claim.export.kind.exclusive and seen.running_job)


def _find_blocking_export(export: Export) -> Export | None:
    """The export that must end, or be answered, before this one's request may leave.

    While one request of a project is unanswered, no second one of the same kind leaves, so at most one job is ever in
    doubt. Exclusive kinds wait until the other job has ended.
    """
    busy = Q(request_sent_at__isnull=False, remote_id="", step=states.SUBMIT)
    if export.kind.exclusive:
        busy |= Q(step__in=[states.POLL, states.FETCH])
    credential = export.project.credential
    candidates = Export.objects.filter(
        busy,
        status__in=OPEN,
        type=export.type,
        project__remote_id=export.project.remote_id,
        project__credential__provider=credential.provider,
    ).exclude(pk=export.pk)
    # One account may be written in several ways ("", "production", the address), so the address decides.
    for candidate in candidates.select_related("project__credential"):
        if candidate.project.credential.origin_url == credential.origin_url:
            return candidate
    return None


def _wait_for(claim: Claim, other: Export) -> None:
    which = f"export {other.pk}" if other.team_id == claim.export.team_id else "another export"
    note = f"Waits for {which}, which runs for the same project."
    rate_slot = claim.export.rate_slot
    seconds = BLOCKED_RETRY_SECONDS if rate_slot is None else BLOCKED_WITH_SLOT_RETRY_SECONDS
    postpone(claim, clock.with_jitter(seconds), note, last_error_code=WAITS_FOR_EXPORT, rate_slot=rate_slot)


def _commit_intent(claim: Claim, baseline: dict[str, object]) -> Export | None:
    """Commits that the request is about to leave. Returns the export that blocks it instead, if there is one."""
    export = claim.export
    with transaction.atomic():
        with connection.cursor() as cursor:
            locking = "FOR UPDATE" if connection.features.has_select_for_update else ""
            cursor.execute(f"{PROJECTS_SQL} {locking}", [export.project.remote_id])
            # A statement of its own, because it must see what was committed while the lock was waited for.
            cursor.execute(BUSY_SQL, [export.project.remote_id, export.type, export.pk])
            is_busy = cursor.fetchone() is not None
        other = _find_blocking_export(export) if is_busy else None
        if other is None:
            # The slot in the rate limit is used up; searches count in another rate class.
            claim.write(request_sent_at=clock.now(), baseline=baseline, search_attempts=0, rate_slot=None)
    return other
