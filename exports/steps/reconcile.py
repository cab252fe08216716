"""The search for a job whose acceptance is in doubt: the request was sent, and its answer was lost."""

from exports import clock
from exports.credentials.client import retry_with_fresh_token
from exports.providers.contract import Absent, Accepted, Unknown
from exports.queue.leases import Claim
from exports.settle.acceptance import record_acceptance
from exports.settle.outcome import fail, postpone
from exports.steps.errors import MAX_UNREADABLE_ANSWERS
from exports.steps.job import build_job
from exports.transport.client import Client
from exports.transport.errors import AddressError, BusyError, RefusedError, UnreadableError


def search_for_job(claim: Claim, client: Client) -> None:
    """Asks the provider whether the job exists, and writes what follows.

    Found: the job is watched. Absent, proven by two searches with a pause between them: the request may be sent again.
    Unknown: the export ends as `unconfirmed`, and a person decides. Raises BusyError, and UnreadableError while it is
    worth asking again.
    """
    export, provider = claim.export, claim.export.project.credential.provider_definition
    job = build_job(export, with_watched_ids=True)
    try:
        result = retry_with_fresh_token(client, lambda: provider.find(client, job))
    except BusyError:
        raise
    except UnreadableError as error:
        if not error.final and export.unreadable_answers + 1 < MAX_UNREADABLE_ANSWERS:
            raise
        result = Unknown(f"Looking for it failed: {error.message}")
    except (RefusedError, AddressError) as error:
        result = Unknown(f"Looking for it failed: {error.message}")
    if isinstance(result, Accepted):
        record_acceptance(claim, result, note=f"Found the job at {provider.label} after its answer was lost.")
    elif isinstance(result, Absent):
        _record_absence(claim, result)
    elif export.search_attempts < result.extra_searches:
        postpone(claim, result.seconds, "Looking for the job.", search_attempts=export.search_attempts + 1)
    else:
        fail(
            claim,
            "unconfirmed",
            f"The request was sent, but its answer was lost, and whether it was executed cannot be known."
            f" {result.message} Look at {provider.label}, then adopt the job that runs there, or retry.",
            source="worker",
        )


def _record_absence(claim: Claim, absent: Absent) -> None:
    # The time between two searches is what makes a proof of them; a wake-up may bring the second one forward.
    baseline = claim.export.baseline
    first = float(baseline.get("absent_at") or 0)
    left = absent.search_again_after - (clock.now().timestamp() - first)
    if absent.search_again_after and (not first or left > 0):
        postpone(
            claim,
            left if first else absent.search_again_after,
            "The job is not there; looks once more to be sure.",
            search_attempts=1,
            baseline={**baseline, "absent_at": first or clock.now().timestamp()},
        )
    else:
        claim.settle(
            request_sent_at=None, baseline={}, search_attempts=0, next_step_at=clock.now(), wait_note="Asks again."
        )
