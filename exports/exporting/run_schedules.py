"""Runs the schedules that are due: each planned time once, whoever runs it and however often.

The row of a planned time (`ScheduleRun`, unique) is written in the transaction that creates its export and sets the
next planned time, with the schedule's row locked. Whoever dies before the commit has done nothing; whoever comes later
finds the schedule no longer due.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final

from django.db import InterfaceError, OperationalError, transaction

from exports import access, clock
from exports.crypto import CryptoError
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.branches import Branches, list_branches
from exports.exporting.create import Requester
from exports.exporting.pauses import why_paused
from exports.exporting.schedules import asking_delay, plan_of, request_exports, set_next_run
from exports.models import Export, Member, Project, Schedule, ScheduleRun
from exports.models.schedule import FAILED, MISSED, REQUESTED, SKIPPED
from exports.transport.errors import ProviderError

log = logging.getLogger(__name__)

# One call runs at most so many schedules, for about so many seconds: dispatches wait for it on a node with one slot.
BATCH: Final = 50
SECONDS: Final = 0.5
# Of the planned times that passed while the portal was down, the latest so many are recorded.
MAX_MISSED: Final = 100
# How long the list of branches may take, and how long after its time a schedule goes on asking for it.
BRANCHES_SECONDS: Final = 5.0
BRANCHES_TRIED_FOR: Final = timedelta(minutes=15)
RETRY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Outcome:
    """What became of a planned time, as in `ScheduleRun`."""

    word: str
    note: str = ""
    exports: tuple[Export, ...] = ()


def run_schedules() -> bool:
    """Runs due schedules, the longest due first. Returns whether more are due. One query where none is."""
    ends = time.monotonic() + SECONDS
    due = Schedule.objects.filter(ask_at__lte=clock.now()).order_by("ask_at").values_list("pk", flat=True)
    pks = list(due[:BATCH])
    for pk in pks:
        if time.monotonic() > ends:
            return True
        try:
            run_schedule(pk)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # A fault of ours in one schedule holds up no other.
            log.exception("Schedule %s could not be run; it is tried again in a minute.", pk)
            Schedule.objects.filter(pk=pk, ask_at__isnull=False).update(ask_at=clock.now() + RETRY)
    return len(pks) == BATCH


def run_schedule(pk: int) -> None:
    """Uses the planned times of one schedule that are due. Does nothing where somebody else has just done so."""
    schedule = Schedule.objects.filter(pk=pk).only("project_id", "all_branches").first()
    if schedule is None:
        return
    branches, problem = _branches_of(schedule) if schedule.all_branches else (None, "")
    with transaction.atomic():
        # In the order of `create_export` and of archiving a project.
        Project.objects.select_for_update().get(pk=schedule.project_id)
        related = ("project__credential", "project__team", "owner", "team")
        rows = Schedule.objects.select_for_update(of=("self",)).select_related(*related)
        locked = rows.filter(pk=pk, ask_at__lte=clock.now()).first()
        if locked is None:
            return
        if locked.all_branches != schedule.all_branches:
            branches, problem = None, "It was changed just now." if locked.all_branches else ""
        _use_planned_times(locked, branches, problem)


def _branches_of(schedule: Schedule) -> tuple[Branches | None, str]:
    """Returns the branches as the provider lists them, or None and the reason. Not within a transaction."""
    if reason := why_stopped(schedule) or why_paused(schedule.project):
        return None, reason
    try:
        return list_branches(schedule.project, schedule.kind, BRANCHES_SECONDS), ""
    except ProviderError as error:
        return None, error.message
    except (CryptoError, KeyError) as error:
        return None, str(error)


def _use_planned_times(schedule: Schedule, branches: Branches | None, problem: str) -> None:
    assert schedule.next_run_at is not None  # noqa: S101  a due schedule has one, by a constraint
    now, first = clock.now(), schedule.next_run_at
    reached = now - asking_delay(schedule)
    is_too_late = schedule.ask_at != first + asking_delay(schedule) and reached > first + BRANCHES_TRIED_FOR
    if problem and not is_too_late and not (why_stopped(schedule) or why_paused(schedule.project)):
        schedule.ask_at = now + RETRY
        schedule.save(update_fields=["ask_at"])
        return
    try:
        later = list(islice(takewhile(lambda at: at > first, plan_of(schedule).until(reached)), MAX_MISSED + 1))
    except ValueError as error:
        schedule.disable(str(error))
        return
    planned, *missed = [*later, first]
    if not schedule.runs.filter(planned_at=planned).exists():
        outcome = _ask(schedule, branches, problem)
        export = outcome.exports[0] if outcome.exports else None
        ScheduleRun.objects.create(
            schedule=schedule, planned_at=planned, at=now, outcome=outcome.word, export=export, note=outcome.note[:300]
        )
    _record_missed(schedule, missed[:MAX_MISSED], now)
    if schedule.enabled:
        set_next_run(schedule, max(reached, planned))
        schedule.save(update_fields=["next_run_at", "ask_at", "last_export"])


def skip_planned_times(note: str) -> int:
    """Goes on to the next planned time of every schedule without asking for those that have passed, for a reason.

    Returns how many schedules that were. For each the latest MAX_MISSED planned times get a row with the reason.
    """
    now, pks = clock.now(), Schedule.objects.filter(next_run_at__lte=clock.now()).values_list("pk", flat=True)
    count = 0
    for pk in list(pks):
        with transaction.atomic():
            rows = Schedule.objects.select_for_update(of=("self",)).select_related("team")
            schedule = rows.get(pk=pk)
            first = schedule.next_run_at
            if first is None or first > now:
                continue
            try:
                later = islice(takewhile(first.__lt__, plan_of(schedule).until(now)), MAX_MISSED)
                _record_missed(schedule, [*later, first][:MAX_MISSED], now, note)
                set_next_run(schedule, now)
            except ValueError as error:
                schedule.disable(str(error))
                continue
            schedule.save(update_fields=["next_run_at", "ask_at"])
            count += 1
    return count


def _record_missed(
    schedule: Schedule,
    planned_times: list[datetime],
    now: datetime,
    note: str = "The portal was not running then; a later time caught up.",
) -> None:
    rows = [ScheduleRun(schedule=schedule, planned_at=at, at=now, outcome=MISSED, note=note) for at in planned_times]
    ScheduleRun.objects.bulk_create(rows, ignore_conflicts=True)


def why_stopped(schedule: Schedule) -> str:
    """Returns why the schedule may not run any more, a sentence; "" where it may."""
    if schedule.project.is_archived:
        return "Its project is archived."
    if access.may_own_schedules(schedule.team, schedule.owner):
        return ""
    if not schedule.owner.is_active:
        return "Its owner's account was deactivated."
    is_member = Member.objects.filter(team=schedule.team, user=schedule.owner).exists()
    return "Its owner is a viewer now." if is_member else "Its owner left the team."


def _ask(schedule: Schedule, branches: Branches | None, problem: str) -> Outcome:
    """Creates the exports of a planned time, or says why not. Counts what could not be asked for as a failure."""
    if reason := why_stopped(schedule):
        schedule.disable(reason)
        return Outcome(FAILED, reason)
    if reason := why_paused(schedule.project):
        return Outcome(SKIPPED, reason)
    if problem:
        schedule.count_failure()
        return Outcome(FAILED, f"The branches could not be listed. {problem}")
    actor = f"schedule {schedule.pk}"
    requester = Requester(schedule.owner, "schedule", "schedule", actor=actor, schedule=schedule)
    try:
        with transaction.atomic():
            exports = request_exports(schedule, requester, branches)
    except DuplicateError as error:
        return Outcome(SKIPPED, f"#{error.export_id} was still running with these options.")
    except ConflictError as error:
        return Outcome(SKIPPED, str(error))
    except InvalidError as error:
        schedule.count_failure()
        return Outcome(FAILED, " ".join(text for texts in error.errors.values() for text in texts))
    schedule.last_export = exports[-1]
    return Outcome(REQUESTED, _note_about(branches, len(exports)), tuple(exports))


def _note_about(branches: Branches | None, count: int) -> str:
    if branches is None:
        return ""
    note = f"{count} of {len(branches.pairs) + branches.omitted} branches."
    return f"{note} At most {len(branches.pairs)} are asked for at once." if branches.omitted else note
