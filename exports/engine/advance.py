"""One verb for the worker: take the one next step of an export, and write what it brought."""

import logging

from exports import states
from exports.engine import clock, fetch, poll, submit
from exports.engine.claim import Claim, LostClaimError
from exports.engine.outcome import fail, overdue
from exports.engine.trouble import meet
from exports.models.seal import SealError
from exports.providers.errors import ProviderError

log = logging.getLogger(__name__)

STEPS = {states.SUBMIT: submit.submit, states.POLL: poll.poll, states.FETCH: fetch.fetch}


def advance(claim: Claim) -> None:
    """Takes the step. Whatever happens, the export ends, or has a next step with a time.

    A claim that no longer stands is dropped in silence: another worker, or a person, was faster.
    """
    export = claim.export
    try:
        if export.deadline_at <= clock.now():
            overdue(claim)
            return
        try:
            STEPS[export.step](claim)
        except ProviderError as error:
            meet(claim, error)
        except SealError as error:
            fail(claim, "credential", str(error), source="worker", turn="us")
    except LostClaimError:
        log.info("The claim on export %s no longer stands; what it brought is dropped.", export.pk)
    except KeyError as error:
        # A kind or provider that this version of the portal does not have.
        fail(claim, "internal", f"The portal no longer knows {error}.", source="worker")
