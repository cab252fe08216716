"""The request that makes the job at the provider, sent once.

Before the request leaves, the intent and what the provider said just before are committed. An answer that proves that
nothing was executed takes the intent back. Every other answer that names no job leaves in doubt whether there is one:
then `exports.steps.reconcile` searches for it. After a 2xx the request is never sent again.
"""

import logging
from dataclasses import replace
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q

from exports import clock, states
from exports.credentials.client import open_client, retry_with_fresh_token
from exports.models import Export
from exports.models.export import OPEN
from exports.providers.contract import MAX_RESENDS, NORMAL, Accepted, NotYet
from exports.queue import circuit_breaker
from exports.queue.holds import WAITS_FOR_EXPORT
from exports.queue.leases import Claim, LostClaimError
from exports.queue.rate_limits import admit
from exports.queue.rate_usage import Usage, record_usage
from exports.settle.acceptance import record_acceptance
from exports.settle.outcome import postpone, record_note
from exports.steps.errors import handle_error
from exports.steps.job import build_job
from exports.steps.reconcile import RESTORED, is_still_absent, known_baseline, search_for_job
from exports.transport.client import Client
from exports.transport.errors import BusyError, NotSentError, ProviderError, RefusedError, UnreadableError
from exports.transport.proofs import describe_creation

log = logging.getLogger(__name__)

FIRST_SEARCH_SECONDS: Final = 2.0
BLOCKED_RETRY_SECONDS: Final = 5.0
# An export that has a slot in a rate window which runs already must not let the slot pass unused.
BLOCKED_WITH_SLOT_RETRY_SECONDS: Final = 1.0
ACCEPTANCE_RETRY_SECONDS: Final = 1.0
# Pauses before the request is sent again that a firewall or proxy refused with a page of its own: once, as where it is
# in doubt, since one that lets requests through and replaces their answers must not make a third job.
PAGE_PAUSES: Final = (10.0,)

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
    if export.search_first and export.request_sent_at is None:
        _search_after_restore(claim)
        return
    sends = export.request_sent_at is None or may_send_again(export)
    rate_class = export.kind.rate_class if sends else NORMAL
    if not circuit_breaker.admit_claims([claim]) or not admit(claim, rate_class):
        return
    with open_client(export.project.credential, export, claim.check) as client:
        rate_slot = export.rate_slot
        try:
            if not sends:
                search_for_job(claim, client)
            else:
                if export.request_sent_at is not None:
                    _take_back(claim)
                _send_request(claim, client)
        finally:
            window = claim.window_at_admission
            record_usage([Usage(export, rate_class, rate_slot, client.call_count, client.last_headers, window)])


def _search_after_restore(claim: Claim) -> None:
    """Plans the search for the job of a request that may have been sent since the copy of the database was made."""
    if (other := _commit_intent(claim, known_baseline(claim.export))) is not None:
        _wait_for(claim, other)
        return
    with transaction.atomic():
        postpone(claim, FIRST_SEARCH_SECONDS, RESTORED)
        record_note(claim.export, RESTORED, source="worker")


def may_send_again(export: Export) -> bool:
    """Whether the request, which got no answer, is sent again instead of being searched for: its kind says it may."""
    return export.kind.asks_again and export.resends < MAX_RESENDS


def _take_back(claim: Claim) -> None:
    """Takes the intent of an unanswered request back, where it is harmless to send another."""
    count = claim.export.resends + 1
    with transaction.atomic():
        claim.write(request_sent_at=None, resends=count)
        text = f"The request had no answer. It is sent again ({count} of at most {MAX_RESENDS} times)."
        record_note(claim.export, text, source="worker")


def _send_request(claim: Claim, client: Client) -> None:
    export, provider = claim.export, claim.export.project.credential.provider_definition
    job = build_job(export)
    ready = retry_with_fresh_token(client, lambda: provider.prepare(client, job))
    if isinstance(ready, NotYet):
        memo = export.memo if ready.memo is None else dict(ready.memo)
        postpone(claim, ready.seconds, ready.note, memo=memo, last_error_code="", in_doubt_since=None)
        return
    is_second = not export.may_ask_again
    if is_second and not is_still_absent(claim, client):
        return
    pages = export.unreadable_answers
    # The job of an earlier request must stay above the baseline.
    if (other := _commit_intent(claim, export.baseline if is_second else dict(ready.baseline))) is not None:
        _wait_for(claim, other)
        return
    job = replace(job, baseline=export.baseline)
    try:
        accepted = retry_with_fresh_token(client, lambda: provider.submit(client, job))
    except (NotSentError, RefusedError) as error:
        if _was_taken(client) and not (isinstance(error, RefusedError) and error.answers_creation):
            _begin_search(claim, error, client)  # The request was taken, and a call after it failed.
            return
        # Provably not executed: the intent is taken back before anything else.
        claim.write(request_sent_at=None, baseline=export.baseline if is_second else {})
        if isinstance(error, RefusedError) and error.answers_creation and error.is_page:
            _handle_page(claim, error, None if is_second or pages >= len(PAGE_PAUSES) else pages)
        else:
            handle_error(claim, error)
    except LostClaimError:
        Export.objects.filter(pk=export.pk, fence=claim.fence).update(
            request_sent_at=None, baseline=export.baseline if is_second else {}
        )
        raise
    except ProviderError as error:
        if isinstance(error, UnreadableError) and error.final:
            raise
        _begin_search(claim, error, client)
    else:
        _record_acceptance_with_retries(claim, accepted)


def _handle_page(claim: Claim, error: RefusedError, pages: int | None) -> None:
    """Has the request sent again that was refused with a page: what stands before the provider let it not through.

    `pages`: how often that was so before; None: so often that the refusal counts, as one in the provider's own words.
    """
    if isinstance(error, BusyError) or error.final or pages is None:
        error.is_page = False
        handle_error(claim, error)
        return
    label = claim.export.project.credential.provider_definition.label
    text = f"{error.message} That came as a web page, not from {label} itself. The request is sent again."
    with transaction.atomic():
        postpone(claim, PAGE_PAUSES[pages], text, unreadable_answers=pages + 1, last_error_code=error.code)
        record_note(claim.export, text, source="worker")


def _was_taken(client: Client) -> bool:
    """Whether the provider answered the request with a 2xx."""
    return client.creation is not None and 200 <= client.creation.status < 300


def _begin_search(claim: Claim, error: ProviderError, client: Client) -> None:
    """Plans the search for the job of a request that may have been executed, and says so in the history."""
    export, answer = claim.export, client.creation
    if may_send_again(export):
        pause = clock.backoff(export.resends)
        failures = export.consecutive_failures + 1
        note = f"{error.message} The request is sent again, which is harmless here."
        postpone(claim, pause, note, consecutive_failures=failures)
        return
    was_taken = isinstance(error, UnreadableError) or _was_taken(client)
    named = client.redact(describe_creation(answer.headers, answer.body)) if was_taken and answer is not None else ""
    doubt = (
        "With this answer the request counts as taken, and it is not sent again."
        if was_taken
        else "Whether it was executed is not known."
    )
    with transaction.atomic():
        postpone(
            claim,
            FIRST_SEARCH_SECONDS,
            f"{error.message} {doubt}",
            consecutive_failures=export.consecutive_failures + 1,
            may_ask_again=export.may_ask_again and not was_taken,
        )
        texts = (error.message, named, doubt, "The portal looks for the job.")
        record_note(export, " ".join(filter(None, texts)), source="worker")


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
    # The slot in the rate limit is used up; searches count in another rate class.
    intent: dict[str, Any] = {
        "request_sent_at": clock.now(),
        "baseline": baseline,
        "search_attempts": 0,
        "unreadable_answers": 0,
        "in_doubt_since": None,
        "rate_slot": None,
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            locking = "FOR UPDATE" if connection.features.has_select_for_update else ""
            cursor.execute(f"{PROJECTS_SQL} {locking}", [export.project.remote_id])
        # A statement of its own, because it must see what was committed while the lock was waited for.
        busy = (BUSY_SQL, [export.project.remote_id, export.type, export.pk])
        if not claim.write_unless(*busy, **intent):
            if (other := _find_blocking_export(export)) is not None:
                return other
            claim.write(**intent)
    return None
