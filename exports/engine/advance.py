"""One verb for the worker: take the one next step of an export, and write what it brought."""

import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

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
T = TypeVar("T")


def advance(claim: Claim) -> None:
    """Takes the step. Whatever happens, the export ends, or has a next step with a time.

    A claim that no longer stands is dropped in silence: another worker, or a person, was faster. When the database is
    away the claim's lease brings the step back.
    """
    if not claim.lost and _in_time(claim):
        _safely(claim, lambda: STEPS[claim.export.step](claim))


def begin_looks(claims: Sequence[Claim]) -> list[Claim]:
    """The first part of many polls at once: the claims whose providers may be asked now; the others are settled."""
    return _together([claim for claim in claims if _in_time(claim)], lambda claim: claim, poll.may_look)


def end_looks(looks: Sequence[poll.Look]) -> list[poll.Look]:
    """The last part of many polls at once: writes what brought nothing new. The others are to be finished."""
    return _together(looks, lambda look: look.claim, poll.write_unchanged)


def finish_look(look: poll.Look) -> None:
    """Writes what follows from a look that `end_looks` left."""
    _safely(look.claim, lambda: poll.finish(look))


def _together(items: Sequence[T], claim_of: Callable[[T], Claim], work: Callable[[Sequence[T]], list[T]]) -> list[T]:
    """The work for all of them; where one makes it fail, for each by itself, so that it fails alone."""
    if not items:
        return []
    try:
        return work(items)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(items) > 1:
            return [left for item in items for left in _together([item], claim_of, work)]
        trouble = error
        _safely(claim_of(items[0]), lambda: _raise(trouble))
        return []


def _raise(error: Exception) -> None:
    raise error


def _in_time(claim: Claim) -> bool:
    """Whether the step may be taken at all; else its export was ended."""
    export = claim.export
    if export.deadline_at <= clock.now():
        _safely(claim, lambda: overdue(claim))
    elif export.stalls > MOST_STALLS:
        what = f"The worker died {export.stalls - 1} times in this step."
        _safely(claim, lambda: fail(claim, "internal", what, source="watchdog"))
    else:
        return True
    return False


def _safely(claim: Claim, work: Callable[[], None]) -> None:
    try:
        try:
            work()
        except ProviderError as error:
            meet(claim, error)
        except SealError as error:
            fail(claim, "credential", str(error), source="worker", turn="us")
        except (LostClaimError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            _stumble(claim, error)
    except LostClaimError:
        claim.lost = True
        log.info("The claim on export %s no longer stands; what it brought is dropped.", claim.export.pk)


def _stumble(claim: Claim, error: Exception) -> None:
    """A fault of ours. Once more later, since what met it may have changed; after five in a row it is the end."""
    export = claim.export
    export.refresh_from_db(fields=["status", "step", "misses", "trouble", "deadline_at"])
    log.exception("A fault of the portal's own in export %s.", export.pk)
    if not export.is_open:
        raise LostClaimError from error
    count = export.misses + 1 if export.trouble == "internal" else 1
    if count >= MOST_STUMBLES:
        what = f"A fault of the portal itself ({type(error).__name__}), {count} times in a row."
        fail(claim, "internal", what, source="worker", misses=count)
    else:
        note = f"A fault of the portal itself ({type(error).__name__})."
        postpone(claim, clock.backoff(count), note, misses=count, trouble="internal")
