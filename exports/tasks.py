"""The Celery tasks. The database says what is due, the dispatcher publishes it, and these tasks run it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from exports import clock, log_ids
from exports.exporting import run_schedules as scheduling
from exports.housekeeping import discovery, overdue, verification
from exports.housekeeping import nightly as nightly_work
from exports.housekeeping import sweep as sweeping
from exports.models import Call, LastRun, Rollup
from exports.models.incident import DISPATCH
from exports.models.rollup import SENT, step_row
from exports.notify import outbox
from exports.notify.fan_out import fan_out
from exports.preview import oddness
from exports.queue import dispatcher, leases, messages, wakeup
from exports.queue.deferred_calls import deferred, free_slot
from exports.queue.lease_keeper import lease_keeper
from exports.queue.node import shared
from exports.steps.run import advance_polls, run_step

log = logging.getLogger(__name__)

HEALTH_CHECK_SECONDS = 1.0
# Where more is due than a node has slots, its processes together run the dispatcher so often at most, so that each
# dispatch fills several slots. The one whose turn it is waits, while the others work.
FULL_SECONDS = 0.05
# On hints the processes of a node together run the dispatcher at most ten times a second.
HINT_SECONDS = 0.1
# So often a process at most writes that it has dispatched.
NOTE_SECONDS = 10.0
# So long one run of `exports.verify_files` may take a slot.
VERIFY_SECONDS = 3.0
_checked = threading.local()
_noted = threading.local()


@shared_task(name="exports.dispatch", bind=True)
def dispatch(self: "Task[..., None]") -> None:
    """Publishes tasks for what is due, as far as there are free slots."""
    with _database():
        dispatcher.dispatch(messages.publish, fan_out)
        _note_dispatch()


@shared_task(name="exports.submit", bind=True)
def submit(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Requests an export from the provider, or searches for its job where a request may have been executed."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.poll", bind=True)
def poll(self: "Task[..., None]", exports: Sequence[tuple[int, int]]) -> None:
    """Polls the jobs of exports, given as pairs of id and fence."""
    _run(self, [(export_id, fence) for export_id, fence in exports], _polls)


@shared_task(name="exports.fetch", bind=True)
def fetch(self: "Task[..., None]", export_id: int, fence: int) -> None:
    """Downloads, verifies and stores the file of an export."""
    _run(self, [(export_id, fence)], _run_steps)


@shared_task(name="exports.deliver", bind=True)
def deliver(self: "Task[..., None]", message_id: int) -> None:
    """Sends an outbox message: a mail, an alert, a webhook, or progress to the address that the user named."""
    task_id = _task_id(self)
    with (
        log_ids.bound(task=task_id, delivery=message_id),
        _database(),
        _slot(self) as counts,
        lease_keeper.keeping(task_id, delivery=message_id),
    ):
        sent = outbox.deliver(message_id, lambda following: lease_keeper.switch_delivery(task_id, following))
        if sent:
            counts.append(Rollup(series=SENT, key="", count=sent))


@shared_task(name="exports.sweep")
def sweep() -> None:
    """Does the housekeeping."""
    with _database():
        sweeping.sweep()
        dispatcher.sweep()


@shared_task(name="exports.nightly")
def nightly() -> None:
    """Applies the retention rules and reads large files again, once a night."""
    with _database():
        nightly_work.run_when_due()


@shared_task(name="exports.verify_files")
def verify_files() -> None:
    """Reads some of the kept files again, so that each is read about once a month."""
    with _database():
        verification.verify_some(VERIFY_SECONDS)


@shared_task(name="exports.examine")
def examine() -> None:
    """Counts the rows of new files, and finds those that differ oddly from the ones before."""
    with _database():
        if oddness.examine_new_files():
            messages.send_examine()


@shared_task(name="exports.watch_freshness")
def watch_freshness() -> None:
    """Finds projects that have become overdue."""
    with _database():
        overdue.record_overdue()


@shared_task(name="exports.discover")
def discover() -> None:
    """Lists the projects of providers that are due, and protects new ones where that is wanted."""
    with _database():
        discovery.run_discovery()


@shared_task(name="exports.run_schedules")
def run_schedules() -> None:
    """Asks for the exports of schedules that are due."""
    with _database():
        if scheduling.run_schedules():
            messages.send_run_schedules()


def _run_steps(claims: list[leases.Claim]) -> None:
    for claim in claims:
        run_step(claim, SoftTimeLimitExceeded)


def _polls(claims: list[leases.Claim]) -> None:
    advance_polls(claims, SoftTimeLimitExceeded)


def _run(task: "Task[..., None]", reserved: list[tuple[int, int]], step: Callable[[list[leases.Claim]], None]) -> None:
    """Begins the exports that are still reserved for this message, and renews their leases while `step` runs."""
    begun = clock.monotonic()
    with log_ids.bound(task=_task_id(task)), _database(), _slot(task) as counts:
        claims = leases.begin(reserved)
        if not claims:
            log.info("What the message %s carried is not reserved for it any more.", _task_id(task))
            return
        name = claims[0].export.step
        with lease_keeper.keeping(_task_id(task), claims):
            step(claims)
        counts.append(step_row(name, clock.monotonic() - begun))


@contextmanager
def _database() -> Iterator[None]:
    """Drops connections that are broken or too old. When the database goes away, the work is due again later."""
    close_old_connections()
    _skip_recent_health_check()
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.warning("The database does not answer (%s); what was under way comes again.", type(error).__name__)
        connections.close_all()


def _skip_recent_health_check() -> None:
    """A connection that answered within the last second need not be asked again before it is used."""
    now = time.monotonic()
    if now < getattr(_checked, "at", 0.0) + HEALTH_CHECK_SECONDS:
        for connection in connections.all(initialized_only=True):
            connection.health_check_done = True  # type: ignore[attr-defined]
    else:
        _checked.at = now


@contextmanager
def _slot(task: "Task[..., None]") -> Iterator[list[Rollup]]:
    """Frees the message's slot when the task ends, however it ends, and then fills the free slots if more is due.

    What the block adds to the list is counted in the statement that frees the slot.
    """
    hints: list[bool] = []
    calls: list[Call] = []
    counts: list[Rollup] = []
    try:
        with wakeup.collected() as hints, deferred() as calls:
            yield counts
    finally:
        free_slot(_task_id(task), calls, counts)
        if (task.request.headers or {}).get("more_due"):
            time.sleep(shared.seconds_until_dispatch(FULL_SECONDS))
            shared.take_dispatch(0)
            _dispatch_now()
        elif hints and shared.take_dispatch(HINT_SECONDS):
            _dispatch_now()


def _dispatch_now() -> None:
    """Runs the dispatcher in this process. Without a broker what is due stays due, and beat's dispatches go on."""
    try:
        dispatcher.dispatch(messages.publish, fan_out)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.info("Nothing was published (%s); it is due again at the next dispatch.", type(error).__name__)


def _note_dispatch() -> None:
    """Writes that dispatches go on, for those who watch the portal; not at each of four a second."""
    now = time.monotonic()
    if now > getattr(_noted, "at", -NOTE_SECONDS) + NOTE_SECONDS:
        _noted.at = now
        LastRun.record(DISPATCH)


def _task_id(task: "Task[..., None]") -> str:
    return str(task.request.id)
