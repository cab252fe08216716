"""Protecting projects that a provider lists: each is added, with a schedule and a freshness target."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

from django.db import transaction

from exports import clock
from exports.credentials import service
from exports.errors import ConflictError, InvalidError
from exports.exporting import freshness
from exports.exporting.create import clean_options
from exports.exporting.planned_times import Plan
from exports.exporting.schedules import ScheduleRequest, create_schedule, validate_schedule
from exports.models import Credential, Project, RemoteProject, Schedule, User
from exports.providers.contract import Kind

MAX_PICKED: Final = 500
DEFAULT_CRON: Final = "30 2 * * *"
DEFAULT_SPREAD_MINUTES: Final = 60
# A day, the spread, and an hour for the export itself: an export a day is in time then.
DEFAULT_TARGET_HOURS: Final = 26


@dataclass(frozen=True)
class ProtectionRequest:
    """How projects are to be protected. `time_zone`: "" is the team's. `fresh_within_hours`: None for no target."""

    type: str
    format: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    cron: str = DEFAULT_CRON
    time_zone: str = ""
    spread_minutes: int = DEFAULT_SPREAD_MINUTES
    fresh_within_hours: int | None = DEFAULT_TARGET_HOURS

    def schedule_request(self) -> ScheduleRequest:
        """The schedule that each project gets."""
        return ScheduleRequest(
            type=self.type,
            format=self.format,
            options=self.options,
            cron=self.cron,
            time_zone=self.time_zone,
            spread_minutes=self.spread_minutes,
        )


@dataclass(frozen=True)
class ProtectionResult:
    """What was protected, and by name why the others were not."""

    protected: list[Project]
    skipped: dict[str, str]


def protecting_kinds(credential: Credential) -> list[Kind]:
    """The kinds of export that can protect any project of the provider: they make a file and need no options.

    Raises KeyError for a provider that the portal no longer has.
    """
    return [
        kind
        for kind in credential.provider_definition.kinds
        if kind.has_file and kind.effect == "copies" and not clean_options(kind, {})[1]
    ]


def default_target_hours(plan: Plan, spread_minutes: int) -> int:
    """Returns a target that exports at these times meet.

    It is the longest of the next gaps between two of them, the spread, and an hour for the export itself.
    """
    times = plan.next_times(clock.now(), 32)
    longest = max((after - before for before, after in pairwise(times)), default=timedelta(days=365))
    needed = longest + timedelta(minutes=spread_minutes, hours=1)
    return min(-(-needed // timedelta(hours=1)), freshness.MAX_TARGET_HOURS)


def check_request(credential: Credential, request: ProtectionRequest) -> None:
    """Raises InvalidError when the schedule or the target is wrong for projects of the credential."""
    errors: dict[str, list[str]] = {}
    project = Project(team=credential.team, credential=credential, remote_id="any")
    for check in (
        lambda: validate_schedule(project, request.schedule_request()),
        lambda: freshness.check_target(project, request.fresh_within_hours),
    ):
        try:
            check()
        except InvalidError as error:
            errors |= error.errors
    if errors:
        raise InvalidError(errors)


def protect(
    credential: Credential, remote_ids: Iterable[str], request: ProtectionRequest, user: User
) -> ProtectionResult:
    """Adds those projects with a schedule that the user owns, and a target. What is here already gets them too.

    Raises InvalidError when the schedule or the target is wrong, and then does nothing.
    """
    check_request(credential, request)
    ids = list(dict.fromkeys(remote_ids))
    listed = RemoteProject.objects.filter(credential=credential, remote_id__in=ids)
    names = dict(listed.values_list("remote_id", "name"))
    here = {row.remote_id: row for row in _projects(credential, ids)}
    schedules = Schedule.objects.filter(project__in=here.values(), enabled=True)
    scheduled = set(schedules.values_list("project__remote_id", flat=True))
    result = ProtectionResult([], {})
    for id_ in ids:
        name = names.get(id_, "")
        try:
            with transaction.atomic():
                if id_ in scheduled:
                    raise ConflictError("It has a schedule already.")
                project = here.get(id_) or service.create_project(credential, user, remote_id=id_, name=name)
                create_schedule(project, request.schedule_request(), user)
                freshness.set_target(project, user, request.fresh_within_hours)
        except InvalidError as error:
            result.skipped[name or id_] = " ".join(text for texts in error.errors.values() for text in texts)
        except ConflictError as error:
            result.skipped[name or id_] = str(error)
        else:
            result.protected.append(project)
    return result


def _projects(credential: Credential, ids: list[str]) -> Iterable[Project]:
    rows = Project.objects.filter(credential=credential, remote_id__in=ids, archived_at=None)
    return rows.select_related("credential", "team")
