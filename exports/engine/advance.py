"""One verb for the worker: take the one next step of an export, and write what it brought."""

import logging
from typing import Final

from django.db import InterfaceError, OperationalError

from exports import states
from exports.engine import clock, fetch, poll, submit
from exports.engine.claim import Claim, LostClaimError
from exports.engine.outcome import fail, overdue, postpone
from exports.engine.trouble import meet
from exports.models.seal import SealError
from exports.providers.errors import ProviderError

log = logging.getLogger(__name__)

STEPS = {states.SUBMIT: submit.submit, states.POLL: poll.poll, states.FETCH: fetch.fetch}
MOST_STALLS: Final = 20
MOST_STUMBLES: Final = 5


def advance(claim: Claim) -> None:
    """Takes the step. Whatever happens, the export ends, or has a next step with a time.

    A claim that no longer stands is dropped in silence: another worker, or a person, was faster. When the database is
    away the claim's lease brings the step back.
    """
    export = claim.export
    try:
        if export.deadline_at <= clock.now():
            overdue(claim)
        elif export.stalls > MOST_STALLS:
            fail(claim, "internal", f"The worker died {export.stalls - 1} times in this step.", source="watchdog")
        else:
            _take(claim)
    except LostClaimError:
        log.info("The claim on export %s no longer stands; what it brought is dropped.", export.pk)


def _take(claim: Claim) -> None:
    try:
        try:
            STEPS[claim.export.step](claim)
        except ProviderError as error:
            meet(claim, error)
        except SealError as error:
            fail(claim, "credential", str(error), source="worker", turn="us")
    except (LostClaimError, OperationalError, InterfaceError):
        raise
    except Exception as error:
        _stumble(claim, error)


def _stumble(claim: Claim, error: Exception) -> None:
    """A fault of ours. Once more later, since what met it may have changed; after five in a row it is the end."""
    export = claim.export
    export.refresh_from_db(fields=["status", "step", "misses", "trouble", "deadline_at"])
    log.exception("A fault of the portal's own in export %s.", export.pk)
    count = export.misses + 1 if export.trouble == "internal" else 1
    if count >= MOST_STUMBLES:
        what = f"A fault of the portal itself ({type(error).__name__}), {count} times in a row."
        fail(claim, "internal", what, source="worker", misses=count)
    else:
        note = f"A fault of the portal itself ({type(error).__name__})."
        postpone(claim, clock.backoff(count), note, misses=count, trouble="internal")
