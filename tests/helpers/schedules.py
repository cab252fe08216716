"""Schedules, and a clock that is set to the moments at which they run."""

from datetime import datetime
from typing import Any

from exports import states
from exports.exporting import schedules
from exports.exporting.run_schedules import run_schedules
from exports.exporting.schedules import ScheduleRequest
from exports.models import Export, Project, Schedule, ScheduleRun
from exports.models.team import Member
from exports.settle import outcome
from tests.helpers.run_exports import claim_next_step


def make_schedule(project: Project, member: Member, cron: str = "0 2 * * *", **more: Any) -> Schedule:
    """A schedule of the project's first kind, as the member makes it."""
    kind = more.pop("type", project.provider.kinds[0].type)
    return schedules.create_schedule(project, ScheduleRequest(kind, cron, **more), member.user)


def run_all() -> None:
    """Runs everything that is due, as the tasks do together."""
    while run_schedules():
        pass


def outcomes(schedule: Schedule) -> list[tuple[datetime, str]]:
    """Every planned time that was used, and what became of it, in order."""
    return list(
        ScheduleRun.objects.filter(schedule=schedule).order_by("planned_at").values_list("planned_at", "outcome")
    )


def end_exports(status: str = states.CANCELED) -> None:
    """Ends every open export, so that none is a duplicate."""
    for export in Export.objects.open():
        export.move(status, source="worker")


def end_as(export: Export, *, failed: bool) -> None:
    """Ends an export without a file as the engine does."""
    claim = claim_next_step(export)
    if failed:
        outcome.fail(claim, "rejected", "The provider said no.", source="poll")
    else:
        outcome.succeed(claim, source="poll")
