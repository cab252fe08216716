"""Endpoints of schedules: list, create, get, change, delete, run now."""

from typing import Any, Final

from ninja import Router, Status
from pydantic import Field

from exports import access
from exports.api import body, serializers
from exports.api.auth import ApiRequest
from exports.api.body import RequestBody
from exports.api.exports import SOURCE
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import EmptyBody, ExportOut, ScheduleOut, SchedulesOut
from exports.errors import InvalidError
from exports.exporting import pagination, schedules
from exports.exporting.filters import TYPES
from exports.exporting.planned_times import MAX_LENGTH, NICKNAMES
from exports.exporting.schedules import MAX_SPREAD_MINUTES, ScheduleRequest

router = Router(tags=["Schedules"])

_TYPE: Final[dict[str, Any]] = {"enum": list(TYPES)}
_CRON: Final = f"Five fields, or one of {', '.join(NICKNAMES)}."
_ZONE: Final = "A zone like Europe/Paris; null or left out is the team's."
_SPREAD: Final = "Asks up to so many minutes later, always by the same part of them."
_CONFIRM: Final = "Must be true for a kind that changes the project at the provider."
_BRANCHES: Final = "True: runs every branch, one export each, for a kind that has branches."


class NewSchedule(RequestBody):
    """What to export and when. `options` as GET /providers describes them."""

    type: str = Field(json_schema_extra=_TYPE)
    cron: str = Field(description=_CRON, json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH})
    format: str | None = Field(None, min_length=1)
    options: dict[str, Any] | None = None
    all_branches: bool | None = Field(None, description=_BRANCHES)
    time_zone: str | None = Field(None, description=_ZONE)
    spread_minutes: int | None = Field(
        None, description=_SPREAD, json_schema_extra={"minimum": 0, "maximum": MAX_SPREAD_MINUTES}
    )
    enabled: bool | None = None
    confirm: bool | None = Field(None, description=_CONFIRM)


class ScheduleChanges(RequestBody):
    """What to change; what is left out stays. `enabled: true` clears the count of failures."""

    type: str | None = Field(None, json_schema_extra=_TYPE)
    cron: str | None = Field(None, description=_CRON, json_schema_extra={"minLength": 1, "maxLength": MAX_LENGTH})
    format: str | None = Field(None, min_length=1)
    options: dict[str, Any] | None = None
    all_branches: bool | None = Field(None, description=_BRANCHES)
    time_zone: str | None = Field(None, description=_ZONE)
    spread_minutes: int | None = Field(
        None, description=_SPREAD, json_schema_extra={"minimum": 0, "maximum": MAX_SPREAD_MINUTES}
    )
    enabled: bool | None = None
    confirm: bool | None = Field(None, description=_CONFIRM)


# What null means where it is given.
NULLS: Final[dict[str, Any]] = {
    "format": "",
    "options": {},
    "all_branches": False,
    "time_zone": "",
    "spread_minutes": 0,
    "confirm": False,
}


def _given(data: NewSchedule | ScheduleChanges) -> dict[str, Any]:
    """Returns the fields that the body names. Raises InvalidError for a null that means nothing."""
    given = {name: getattr(data, name) for name in data.model_fields_set}
    if meaningless := [name for name, value in given.items() if value is None and name not in NULLS]:
        raise InvalidError({name: ["Give a value, or leave this out."] for name in meaningless})
    return {name: NULLS[name] if value is None else value for name, value in given.items()}


@router.get(
    "/projects/{int:project_id}/schedules",
    response=SchedulesOut,
    openapi_extra=operation_docs(404, 422, parameters=PAGING_PARAMETERS),
)
def list_schedules_of_project(request: ApiRequest, project_id: int) -> SchedulesOut:
    """The schedules of one project, newest first."""
    return _list(request, access.project(request.auth.member, project_id).pk)


@router.get("/schedules", response=SchedulesOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_schedules(request: ApiRequest) -> SchedulesOut:
    """The team's schedules, newest first."""
    return _list(request)


@router.post(
    "/projects/{int:project_id}/schedules",
    response={201: ScheduleOut},
    openapi_extra=operation_docs(404, 409, body=NewSchedule),
)
def create_schedule(request: ApiRequest, project_id: int) -> ScheduleOut:
    """Adds a schedule, which asks for exports on behalf of the caller."""
    member = request.auth.member
    project = access.project(member, project_id, access.EXPORT)
    given = _given(body.read_body(request, NewSchedule))
    return serializers.schedule(schedules.create_schedule(project, ScheduleRequest(**given), member.user))


@router.get("/schedules/{int:schedule_id}", response=ScheduleOut, openapi_extra=operation_docs(404))
def get_schedule(request: ApiRequest, schedule_id: int) -> ScheduleOut:
    """One schedule."""
    return serializers.schedule(access.schedule(request.auth.member, schedule_id))


@router.patch(
    "/schedules/{int:schedule_id}", response=ScheduleOut, openapi_extra=operation_docs(404, 409, body=ScheduleChanges)
)
def change_schedule(request: ApiRequest, schedule_id: int) -> ScheduleOut:
    """Changes, pauses or resumes a schedule. Where its owner may not export any more, who resumes it takes it over."""
    member = request.auth.member
    row = access.schedule(member, schedule_id, access.EXPORT)
    given = _given(body.read_body(request, ScheduleChanges))
    return serializers.schedule(schedules.change_schedule(row, given, member) if given else row)


@router.delete("/schedules/{int:schedule_id}", response={204: None}, openapi_extra=operation_docs(403, 404))
def delete_schedule(request: ApiRequest, schedule_id: int) -> Status[None]:
    """Deletes a schedule; the exports that it made stay."""
    member = request.auth.member
    schedules.delete_schedule(access.schedule(member, schedule_id, access.EXPORT), member.user)
    return Status(204, None)


@router.post(
    "/schedules/{int:schedule_id}/run",
    response={201: ExportOut},
    openapi_extra=operation_docs(404, 409, 502, body=EmptyBody),
)
def run_schedule(request: ApiRequest, schedule_id: int) -> ExportOut:
    """Runs the schedule's export now; its plan stays. With every branch: the first of the exports."""
    member = request.auth.member
    row = access.schedule(member, schedule_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    export = schedules.run_now(row, member.user, SOURCE)
    return serializers.export(access.export(member, export.pk), serializers.base_url(request))


def _list(request: ApiRequest, project_id: int | None = None) -> SchedulesOut:
    before, limit = read_paging(request.GET)
    rows = access.schedules(request.auth.member)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    page = pagination.get_page(rows, before=before, limit=limit)
    return SchedulesOut(schedules=[serializers.schedule(row) for row in page.rows], meta=serializers.page_meta(page))
