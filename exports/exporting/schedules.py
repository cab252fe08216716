"""Schedules as people and programs keep them: create, change, delete, run now, take over."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.db import transaction

from exports import access, clock
from exports.audit import log as audit_log
from exports.errors import ArchivedError, ConflictError, InvalidError, PausedError
from exports.exporting.branches import Branches, create_branch_exports, list_branches
from exports.exporting.create import ExportRequest, Requester, create_export, validate_request
from exports.exporting.pauses import why_paused
from exports.exporting.planned_times import Plan, parse_zone
from exports.models import Export, Member, Project, Schedule, ScheduleRun, User
from exports.models.schedule import REQUESTED

MAX_SPREAD_MINUTES: Final = 60
# What of a change makes the next planned time another one.
PLAN_FIELDS: Final = frozenset({"cron", "time_zone", "spread_minutes", "enabled"})


@dataclass(frozen=True)
class ScheduleRequest:
    """What a schedule is to be. `options` as in `ExportRequest`; `time_zone`: "" is the team's.

    `confirm`: the person knows that the kind changes the project at the provider each time.
    """

    type: str
    cron: str
    format: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    all_branches: bool = False
    time_zone: str = ""
    spread_minutes: int = 0
    enabled: bool = True
    confirm: bool = False
    options_form: forms.BaseForm | None = field(default=None, repr=False, compare=False)


def describe_schedule(schedule: Schedule) -> str:
    """Returns the name of a schedule in the audit log."""
    return f"schedule {schedule.pk}: {schedule.type} of {schedule.project}, {schedule.cron}"


def plan_of(schedule: Schedule) -> Plan:
    """Returns the planned times of a schedule. Raises ValueError where its zone is not known any more."""
    return Plan.parse(schedule.cron, parse_zone(schedule.zone_name))


def next_runs(schedule: Schedule, count: int = 5) -> list[datetime]:
    """Returns the next planned times; none while it is disabled."""
    if not schedule.enabled:
        return []
    try:
        return plan_of(schedule).next_times(clock.now(), count)
    except ValueError:
        return []


def asking_delay(schedule: Schedule) -> timedelta:
    """Returns how long after a planned time it asks: always the same part of its `spread_minutes`, by its id."""
    digest = hashlib.sha256(f"schedule {schedule.pk}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8]) % max(schedule.spread_minutes * 60, 1))


def set_next_run(schedule: Schedule, after: datetime) -> None:
    """Sets the next planned time after a moment, and when it asks; saves nothing. Raises ValueError as `plan_of`."""
    schedule.next_run_at = next(plan_of(schedule).after(after))
    schedule.ask_at = schedule.next_run_at + asking_delay(schedule)


def create_schedule(project: Project, request: ScheduleRequest, user: User) -> Schedule:
    """Creates a schedule that the user owns. Raises InvalidError with every problem at once, ArchivedError."""
    fields = validate_schedule(project, request)
    with transaction.atomic():
        if Project.objects.select_for_update().get(pk=project.pk).is_archived:
            raise ArchivedError(project)
        schedule = Schedule(team=project.team, project=project, owner=user, created_by=user, **fields)
        if schedule.enabled:
            set_next_run(schedule, clock.now())
        schedule.save()
        if schedule.enabled and schedule.spread_minutes:
            # The delay depends on the id.
            set_next_run(schedule, clock.now())
            schedule.save(update_fields=["next_run_at", "ask_at"])
        audit_log.record_event(project.team_id, user, "added", describe_schedule(schedule))
    return schedule


def request_of(schedule: Schedule) -> ScheduleRequest:
    """Returns the request that would create the schedule as it is now."""
    return ScheduleRequest(
        type=schedule.type,
        cron=schedule.cron,
        format=schedule.format,
        options=schedule.options,
        all_branches=schedule.all_branches,
        time_zone=schedule.time_zone,
        spread_minutes=schedule.spread_minutes,
        enabled=schedule.enabled,
    )


def change_schedule(schedule: Schedule, changes: Mapping[str, Any], member: Member) -> Schedule:
    """Changes the given fields of `ScheduleRequest`; the others stay. Returns the schedule as it is now.

    `enabled` true clears the count of failures; where its owner may not export any more, the member takes it over.
    Raises InvalidError, ArchivedError.
    """
    with transaction.atomic():
        schedule = _locked(schedule)
        request = replace(request_of(schedule), **changes)
        what_it_does = {"type", "format", "options", "all_branches"} & changes.keys()
        if schedule.confirmed and not what_it_does:
            request = replace(request, confirm=True)
        if changes.get("enabled") and schedule.project.is_archived:
            raise ArchivedError(schedule.project)
        # What is to be paused may no longer be valid.
        fields = {"enabled": False} if changes == {"enabled": False} else validate_schedule(schedule.project, request)
        before = asdict(request_of(schedule))
        for name, value in fields.items():
            setattr(schedule, name, value)
        changed = {name for name, value in asdict(request_of(schedule)).items() if value != before[name]}
        if changes.get("enabled"):
            schedule.failures_in_a_row, schedule.disabled_reason = 0, ""
            if not access.may_own_schedules(schedule.team, schedule.owner):
                _change_owner(schedule, member)
        if not schedule.enabled:
            schedule.next_run_at = schedule.ask_at = None
        elif changed & PLAN_FIELDS:
            set_next_run(schedule, clock.now())
        schedule.save()
        if changed:
            audit_log.record_event(
                schedule.team, member.user, _verb_of_change(changed, schedule), describe_schedule(schedule)
            )
    return schedule


def _verb_of_change(changed: set[str], schedule: Schedule) -> str:
    if "enabled" in changed:
        return "resumed" if schedule.enabled else "paused"
    return "changed"


def pause(schedule: Schedule, member: Member) -> Schedule:
    """Disables a schedule until somebody resumes it."""
    return change_schedule(schedule, {"enabled": False}, member)


def resume(schedule: Schedule, member: Member) -> Schedule:
    """Enables a schedule and clears its count of failures. Raises ArchivedError, InvalidError."""
    return change_schedule(schedule, {"enabled": True}, member)


def take_over(schedule: Schedule, member: Member) -> Schedule:
    """Makes the member the owner, on whose behalf it asks from now on."""
    access.require(member, access.EXPORT)
    with transaction.atomic():
        schedule = _locked(schedule)
        if schedule.owner_id != member.user_id:
            _change_owner(schedule, member)
            schedule.save(update_fields=["owner"])
    return schedule


def _change_owner(schedule: Schedule, member: Member) -> None:
    before, schedule.owner = schedule.owner, member.user
    audit_log.record_event(schedule.team, member.user, "took over", describe_schedule(schedule), f"from {before.email}")


def delete_schedule(schedule: Schedule, user: User) -> None:
    """Deletes a schedule; the exports that it made stay."""
    with transaction.atomic():
        audit_log.record_event(schedule.team, user, "deleted", describe_schedule(schedule))
        schedule.delete()


def run_now(schedule: Schedule, user: User, source: str) -> Export:
    """Asks for the schedule's export now, for the user; the plan stays. With every branch: returns the first export.

    Raises DuplicateError while the same is open, other ConflictErrors, InvalidError; with every branch also
    ProviderError and CryptoError.
    """
    branches = _list_branches(schedule) if schedule.all_branches else None
    requester = Requester(user, source, trigger="schedule", schedule=schedule)
    with transaction.atomic():
        schedule = _locked(schedule)
        if schedule.all_branches != (branches is not None):
            raise ConflictError("Someone changed this schedule just now. Check it, then run it again.")
        exports = request_exports(schedule, requester, branches)
        now = clock.now()
        note = f"Run by {user.email}."
        ScheduleRun.objects.create(
            schedule=schedule, planned_at=now, at=now, outcome=REQUESTED, export=exports[0], note=note[:300]
        )
        schedule.last_export = exports[-1]
        schedule.save(update_fields=["last_export"])
    return exports[0]


def _list_branches(schedule: Schedule) -> Branches:
    """Raises PausedError, InvalidError where the portal no longer has the kind, ProviderError, CryptoError."""
    if reason := why_paused(schedule.project):
        raise PausedError(reason)
    kind, _options = validate_request(schedule.project, _export_request(schedule))
    return list_branches(schedule.project, kind)


def request_exports(schedule: Schedule, requester: Requester, branches: Branches | None) -> Sequence[Export]:
    """Creates the schedule's export, or one for each branch. Raises what `create_export` raises."""
    request = _export_request(schedule)
    if branches is None:
        return [create_export(schedule.project, request, requester)]
    return create_branch_exports(schedule.project, request, requester, branches.ids)


def _export_request(schedule: Schedule) -> ExportRequest:
    return ExportRequest(schedule.type, schedule.format, schedule.options, confirm=schedule.confirmed)


def _locked(schedule: Schedule) -> Schedule:
    """Returns the schedule, locked after its project, as `create_export` and archiving a project lock."""
    Project.objects.select_for_update().get(pk=schedule.project_id)
    rows = Schedule.objects.select_for_update(of=("self",)).select_related("project__credential", "owner", "team")
    if (row := rows.filter(pk=schedule.pk).first()) is None:
        raise ConflictError("Someone deleted this schedule.")
    return row


def validate_schedule(project: Project, request: ScheduleRequest) -> dict[str, Any]:
    """Returns the fields to store. Raises InvalidError with every problem at once."""
    errors: dict[str, list[str]] = {}
    fields: dict[str, Any] = {}
    try:
        fields = _validate_export(project, request)
    except InvalidError as error:
        errors |= error.errors
    zone_name = request.time_zone or project.team.time_zone
    try:
        zone = parse_zone(zone_name)
    except ValueError as error:
        errors["time_zone"] = [str(error)]
        zone = parse_zone("UTC")
    try:
        Plan.parse(request.cron, zone)
    except ValueError as error:
        errors["cron"] = [str(error)]
    if not 0 <= request.spread_minutes <= MAX_SPREAD_MINUTES:
        errors["spread_minutes"] = [f"Give 0 to {MAX_SPREAD_MINUTES} minutes."]
    if errors:
        raise InvalidError(errors)
    return fields | {
        "cron": " ".join(request.cron.split()),
        "time_zone": request.time_zone,
        "spread_minutes": request.spread_minutes,
        "enabled": request.enabled,
    }


def _validate_export(project: Project, request: ScheduleRequest) -> dict[str, Any]:
    """Returns the fields that say what is exported. Raises InvalidError."""
    export_request = ExportRequest(
        request.type, request.format, request.options, confirm=request.confirm, options_form=request.options_form
    )
    kind, options = validate_request(project, export_request)
    if request.all_branches and not kind.branch_option:
        raise InvalidError({"all_branches": [f"{kind.label} has no branches."]})
    if request.all_branches and kind.branch_option in options:
        raise InvalidError({f"options.{kind.branch_option}": ["Leave this out: every branch is exported."]})
    return {
        "type": kind.type,
        "format": request.format or kind.formats[0],
        "options": options,
        "all_branches": request.all_branches,
        "confirmed": kind.effect == "changes",
    }
