"""The search for a job whose acceptance is in doubt: the request was sent, and no answer named a job.

Searches are spread over minutes, because a list may be late. Where a complete list stays without the job, the request
is sent once more over the whole life of the export; not where the provider said that it had taken the request. In every
other case a person decides.

After the database was restored from a copy, every request that the copy shows as not sent yet is in doubt as well
(`Export.search_first`). The baseline is then that of the project's last request which the copy knows.
"""

from typing import Any, Final

from django.db import transaction

from exports import clock
from exports.credentials.client import retry_with_fresh_token
from exports.models import Export
from exports.providers.contract import Absent, Accepted, Job, Unknown
from exports.queue.leases import Claim
from exports.settle.acceptance import record_acceptance
from exports.settle.doubt import MIN_ANSWERS, poll_later
from exports.settle.outcome import UNCONFIRMED, fail, postpone, record_note, settle_one
from exports.steps.job import build_job
from exports.transport.client import Client
from exports.transport.errors import AddressError, BusyError, RefusedError, UnknownRefusalError, UnreadableError

# Seconds after the first search at which the next ones are made. Lists have been seen to lag by minutes.
SEARCH_AFTER_SECONDS: Final = (30.0, 150.0, 270.0)
RESTORED: Final = (
    "The portal's database was restored from a copy, and the request may have been sent since that was made."
    " The portal looks for the job first."
)


class FailedSearch(Unknown):
    """The search brought an answer that says nothing certain, or a refusal."""


def search_for_job(claim: Claim, client: Client) -> None:
    """Asks the provider whether the job exists, and writes what follows.

    Found: the job is watched. Absent in every search: the request may be sent once more. Else the export ends as
    `unconfirmed`, and a person decides. Raises BusyError, NotSentError and UnclearError, after which it searches again.
    """
    export = claim.export
    result = _find(claim, client)
    since = export.in_doubt_since or clock.now()
    waited = (clock.now() - since).total_seconds()
    is_over = isinstance(result, Unknown) and not result.may_turn_up
    failed = export.unreadable_answers + 1 if isinstance(result, FailedSearch) else 0
    label = export.project.credential.provider_definition.label
    if isinstance(result, Accepted):
        record_acceptance(claim, result, note=f"Found the job: {result.remote_id}.")
    elif not is_over and (seconds := _seconds_to_next_search(waited, failed)) > 0:
        note = "No job found; checking once more."
        postpone(
            claim,
            seconds,
            result.message if isinstance(result, Unknown) else note,
            in_doubt_since=since,
            search_attempts=export.search_attempts + 1,
            unreadable_answers=failed,
        )
    elif isinstance(result, Absent) and export.may_ask_again:
        _let_ask_again(claim)
    else:
        reason = result.message if isinstance(result, Unknown) else f"The list of {label} stays without the job."
        fail_unconfirmed(claim, reason)


def known_baseline(export: Export) -> dict[str, Any]:
    """The baseline of the newest export of the same kind and project that has one; {} where none has.

    For a request whose own baseline was lost with the database. A search leaves out the jobs that exports watch anyway.
    """
    credential = export.project.credential
    others = Export.objects.filter(
        type=export.type, project__remote_id=export.project.remote_id, project__credential__provider=credential.provider
    )
    for other in others.exclude(baseline={}).select_related("project__credential").order_by("-pk")[:20]:
        if other.project.credential.origin_url == credential.origin_url:
            return dict(other.baseline)
    return {}


def _seconds_to_next_search(waited: float, failed: int) -> float:
    """0 when the searches are over: the last one is MIN_ANSWERS after odd answers in a row, or one readable answer."""
    planned = next((at for at in SEARCH_AFTER_SECONDS if at > waited), None)
    if planned is not None:
        return planned - waited
    return clock.growing_pause(waited) if 0 < failed < MIN_ANSWERS else 0.0


def is_still_absent(claim: Claim, client: Client) -> bool:
    """One more search right before the request is sent again. Raises as `search_for_job`.

    False: the job turned up, or the list does not prove any more that it is not there, and what follows was written.
    """
    result = _find(claim, client)
    if isinstance(result, Absent):
        return True
    if isinstance(result, Accepted):
        record_acceptance(claim, result, note="The job turned up before the request was sent again.")
    elif result.may_turn_up and (later := poll_later(claim.export)) is not None:
        settle_one(claim, wait_note=result.message[:300], **later)
    else:
        fail_unconfirmed(claim, result.message)
    return False


def fail_unconfirmed(claim: Claim, reason: str) -> None:
    """Ends the export, because nothing shows whether its request was executed. Raises LostClaimError."""
    label = claim.export.project.credential.provider_definition.label
    what_to_do = f"Look at {label}, then follow the job that runs there, or retry."
    fail(claim, "unconfirmed", f"{UNCONFIRMED} {reason} {what_to_do}", source="worker")


def _find(claim: Claim, client: Client) -> Accepted | Absent | Unknown:
    """What the provider's list says. An answer that says nothing certain makes it Unknown for now."""
    provider = claim.export.project.credential.provider_definition
    job = build_job(claim.export, with_watched_ids=True)
    try:
        result = retry_with_fresh_token(client, lambda: provider.find(client, job))
    except BusyError:
        raise
    except (RefusedError, UnreadableError, UnknownRefusalError) as error:
        return FailedSearch(f"Looking for it failed: {error.message}", may_turn_up=not error.final)
    except AddressError as error:
        return FailedSearch(f"Looking for it failed: {error.message}", may_turn_up=True)
    if isinstance(result, Accepted) and claim.export.search_first:
        return _check_found_after_restore(job, result)
    return result


def _check_found_after_restore(job: Job, found: Accepted) -> Accepted | Unknown:
    """A job that may be older than the request, for all that the restored database knows, is for a person to judge."""
    # Without an id it is no job but a state of the project, which needs no request any more.
    if not found.remote_id or (job.baseline and found.remote_id not in job.watched_ids):
        return found
    doubt = "may be of an earlier request: the restored database does not know what was there before."
    return Unknown(f"There is the job {found.remote_id}, which {doubt}")


def _let_ask_again(claim: Claim) -> None:
    """Makes the submit step due, whose request is the last one that this export may send.

    The baseline stays: a job of either request is above it.
    """
    label = claim.export.project.credential.provider_definition.label
    with transaction.atomic():
        claim.settle(
            request_sent_at=None,
            may_ask_again=False,
            search_first=False,
            in_doubt_since=None,
            search_attempts=0,
            next_step_at=clock.now(),
            wait_note="The request is sent once more.",
        )
        note = f"{label} listed no job of the request for minutes. It is sent once more, and not again after that."
        record_note(claim.export, note, source="worker")
