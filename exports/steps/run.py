"""Running steps: what the tasks do with the exports they have claimed, and how errors are handled."""

import logging
import queue
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final, TypeVar

from django.db import InterfaceError, OperationalError, connections

from exports import clock, log_ids, states
from exports.crypto import CryptoError
from exports.providers.registry import NotInstalledError
from exports.queue.leases import Claim, LostClaimError, release
from exports.settle.outcome import fail, fail_overdue, postpone
from exports.steps import fetch, network_threads, poll, submit
from exports.steps.errors import handle_error
from exports.transport.connections import watch_exchanges
from exports.transport.errors import ProviderError

log = logging.getLogger(__name__)

STEP_HANDLERS = {states.SUBMIT: submit.submit, states.POLL: poll.poll, states.FETCH: fetch.fetch}
# Results that arrive within this time of each other are written together.
GATHER_SECONDS: Final = 0.05
LISTEN_SECONDS: Final = 0.25
MAX_CRASHES: Final = 20
MAX_INTERNAL_ERRORS: Final = 5
# How often an export looks for the package of its provider, until its deadline.
NOT_INSTALLED_SECONDS: Final = 60.0
T = TypeVar("T")


def run_step(claim: Claim, interrupts: type[Exception] | tuple[type[Exception], ...] = ()) -> None:
    """Takes the export's next step. Afterwards the export has ended, or it has a next step with a time.

    The result of a claim that no longer stands is dropped: another worker or a person was faster. Raises
    OperationalError or InterfaceError when the database is away; the step is due again when its lease ends.
    `interrupts`: the exceptions that a time limit of the worker raises in this thread.
    """
    if claim.lost or not _in_time(claim):
        return
    with _logged(claim), watch_exchanges(claim.watch) if claim.export.step == states.FETCH else nullcontext():
        _safely(claim, lambda: STEP_HANDLERS[claim.export.step](claim), interrupts)


def advance_polls(claims: Sequence[Claim], interrupts: type[Exception] | tuple[type[Exception], ...] = ()) -> None:
    """Polls jobs of many exports; results that arrive together are written together. `interrupts`: see `run_step`."""
    results: queue.SimpleQueue[poll.PollResult] = queue.SimpleQueue()
    going = begin_polls(claims)
    for claim in going:
        # What was slow once is polled in a message of slow polls, with all the time that a provider may take.
        patience = None if claim.export.polls_alone else poll.PATIENCE_SECONDS
        network_threads.threads.run(partial(_poll_into, results, claim, patience))
    waiting = len(going)
    try:
        while waiting and not all(claim.lost for claim in going):
            poll_results = _gather(results, waiting)
            waiting -= len(poll_results)
            for result in settle_polls(poll_results):
                finish_poll(result)
    except interrupts:
        log.warning("A time limit ended polls of %s exports; they are polled again.", waiting)
        for claim in going:
            release(claim)


def _logged(claim: Claim) -> AbstractContextManager[None]:
    return log_ids.bound(export=claim.export.pk, credential=claim.export.project.credential_id)


def _poll_into(results: "queue.SimpleQueue[poll.PollResult]", claim: Claim, patience: float | None) -> None:
    with _logged(claim):
        result = poll.poll_provider(claim, patience)
    try:
        connections.close_all()  # fetching a token opened one; hundreds of threads must not keep a connection each
    finally:
        results.put(result)


def _gather(results: "queue.SimpleQueue[poll.PollResult]", waiting: int) -> list[poll.PollResult]:
    """The results that arrive within GATHER_SECONDS of the first; none when none arrives for LISTEN_SECONDS."""
    try:
        poll_results = [results.get(timeout=LISTEN_SECONDS)]
    except queue.Empty:
        return []
    if waiting > 1:
        time.sleep(GATHER_SECONDS)
    while len(poll_results) < waiting:
        try:
            poll_results.append(results.get_nowait())
        except queue.Empty:
            break
    return poll_results


def begin_polls(claims: Sequence[Claim]) -> list[Claim]:
    """The claims whose providers may be polled now. The others are settled: postponed, or their exports ended."""
    return _together([claim for claim in claims if _in_time(claim)], lambda claim: claim, poll.admit_polls)


def settle_polls(poll_results: Sequence[poll.PollResult]) -> list[poll.PollResult]:
    """Writes the polls that showed nothing new in one batch. Returns the others, which `finish_poll` must write."""
    return _together(poll_results, lambda result: result.claim, poll.write_unchanged_polls)


def finish_poll(result: poll.PollResult) -> None:
    """Writes what follows from a result that `settle_polls` returned."""
    with _logged(result.claim):
        _safely(result.claim, lambda: poll.handle_poll_result(result))


def _together(items: Sequence[T], claim_of: Callable[[T], Claim], work: Callable[[Sequence[T]], list[T]]) -> list[T]:
    """Does the work for all items at once; when it raises, for each by itself, so that only the faulty item fails."""
    if not items:
        return []
    try:
        return work(items)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if len(items) > 1:
            return [left for item in items for left in _together([item], claim_of, work)]
        failure = error
        _safely(claim_of(items[0]), lambda: _raise(failure))
        return []


def _raise(error: Exception) -> None:
    raise error


def _in_time(claim: Claim) -> bool:
    """Whether the step may be taken.

    If not, the export was ended: it is overdue, or its workers died too often. Or it waits for its provider's package.
    """
    export = claim.export
    if export.deadline_at <= clock.now():
        _safely(claim, lambda: fail_overdue(claim))
    elif export.crash_count > MAX_CRASHES:
        message = f"The worker died {export.crash_count - 1} times in this step."
        _safely(claim, lambda: fail(claim, "internal", message, source="watchdog"))
    else:
        return _is_installed(claim)
    return False


def _is_installed(claim: Claim) -> bool:
    """Whether the portal has the provider and the kind. If not, the step was postponed (docs/decisions/0031)."""
    try:
        return bool(claim.export.kind)
    except NotInstalledError as error:
        note = f"{error} It goes on when its package is back."
    _safely(claim, lambda: postpone(claim, NOT_INSTALLED_SECONDS, note))
    return False


def _safely(
    claim: Claim, work: Callable[[], None], interrupts: type[Exception] | tuple[type[Exception], ...] = ()
) -> None:
    try:
        try:
            work()
        except interrupts as error:
            _interrupted(claim, error)
        except ProviderError as error:
            handle_error(claim, error)
        except CryptoError as error:
            fail(claim, "credential", str(error), source="worker", action="us")
        except (LostClaimError, OperationalError, InterfaceError):
            raise
        except Exception as error:
            _internal_error(claim, error)
    except LostClaimError:
        claim.lost = True
        log.info("The claim on export %s no longer stands; its result is dropped.", claim.export.pk)


def _interrupted(claim: Claim, error: Exception) -> None:
    """Postpones a step that a time limit ended. A request that may have left is searched for, never sent again."""
    export = claim.export
    log.warning("A time limit of the worker (%s) ended the step of export %s.", type(error).__name__, export.pk)
    note = "The worker's time limit ended the step."
    if export.step == states.SUBMIT and export.request_sent_at is not None and not export.remote_id:
        postpone(claim, submit.FIRST_SEARCH_SECONDS, f"{note} Looking for the job.", search_attempts=0)
    else:
        postpone(claim, clock.backoff(0), note)


def _internal_error(claim: Claim, error: Exception) -> None:
    """Postpones a step after a fault of the portal itself; after MAX_INTERNAL_ERRORS in a row the export fails."""
    export = claim.export
    export.refresh_from_db(fields=["status", "step", "consecutive_failures", "last_error_code", "deadline_at"])
    log.exception("A fault of the portal's own in export %s.", export.pk)
    if not export.is_open:
        raise LostClaimError from error
    count = export.consecutive_failures + 1 if export.last_error_code == "internal" else 1
    if count >= MAX_INTERNAL_ERRORS:
        message = f"A fault of the portal itself ({type(error).__name__}), {count} times in a row."
        fail(claim, "internal", message, source="worker", consecutive_failures=count)
    else:
        note = f"A fault of the portal itself ({type(error).__name__})."
        postpone(claim, clock.backoff(count), note, consecutive_failures=count, last_error_code="internal")
