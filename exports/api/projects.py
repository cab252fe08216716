"""Endpoints of projects: list, create, get, change, archive."""

from django.db import transaction
from ninja import Router, Status
from pydantic import Field

from exports import access
from exports.api import body, serializers
from exports.api.auth import ApiRequest
from exports.api.body import ProjectId, RequestBody
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import NewProject, ProjectOut, ProjectsOut
from exports.credentials import service
from exports.credentials.service import MAX_NAME_LENGTH
from exports.exporting import freshness, pagination, pauses

router = Router(tags=["Projects"])


class ProjectChanges(RequestBody):
    """What to change; what is left out stays. `remote_id` can be corrected while nothing was exported.

    `fresh_within_hours`: how old the last good export may be; null: as old as it likes. `paused`: nothing new is asked
    for or scheduled, what runs goes on.
    """

    name: str | None = Field(None, json_schema_extra={"maxLength": MAX_NAME_LENGTH})
    remote_id: ProjectId = ""
    fresh_within_hours: int | None = Field(
        None, json_schema_extra={"minimum": 1, "maximum": freshness.MAX_TARGET_HOURS}
    )
    paused: bool = False


@router.get("/projects", response=ProjectsOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_projects(request: ApiRequest) -> ProjectsOut:
    """The team's projects, newest first."""
    before, limit = read_paging(request.GET)
    page = pagination.get_page(access.projects(request.auth.member), before=before, limit=limit)
    return ProjectsOut(projects=[serializers.project(row) for row in page.rows], meta=serializers.page_meta(page))


@router.post("/projects", response={201: ProjectOut}, openapi_extra=operation_docs(404, body=NewProject))
def create_project(request: ApiRequest) -> ProjectOut:
    """Adds a project by its id at the provider, or brings an archived one back. The provider is not called."""
    member = access.require(request.auth.member, access.EXPORT)
    data = body.read_body(request, NewProject)
    credential = access.credential(member, data.credential_id, access.EXPORT)
    row = service.create_project(credential, member.user, remote_id=data.remote_id, name=data.name or "")
    return serializers.project(row)


@router.get("/projects/{int:project_id}", response=ProjectOut, openapi_extra=operation_docs(404))
def get_project(request: ApiRequest, project_id: int) -> ProjectOut:
    """One project."""
    return serializers.project(access.project(request.auth.member, project_id))


@router.patch(
    "/projects/{int:project_id}", response=ProjectOut, openapi_extra=operation_docs(404, 409, body=ProjectChanges)
)
def change_project(request: ApiRequest, project_id: int) -> ProjectOut:
    """Renames or pauses a project, sets its freshness target, or corrects its id while nothing was exported."""
    member = request.auth.member
    row = access.project(member, project_id, access.EXPORT)
    data = body.read_body(request, ProjectChanges)
    with transaction.atomic():
        if "remote_id" in data.model_fields_set:
            service.correct_project_id(row, member.user, data.remote_id)
        if "name" in data.model_fields_set:
            service.rename_project(row, member.user, data.name or "")
        if "fresh_within_hours" in data.model_fields_set:
            freshness.set_target(row, member.user, data.fresh_within_hours)
        if "paused" in data.model_fields_set:
            pauses.set_paused(row, member.user, data.paused)
    return serializers.project(row)


@router.delete("/projects/{int:project_id}", response={204: None}, openapi_extra=operation_docs(403, 404, 409))
def archive_project(request: ApiRequest, project_id: int) -> Status[None]:
    """Archives a project: it is in no list and takes no new exports, its history stays. POST its id to have it back."""
    member = request.auth.member
    row = access.project(member, project_id, access.EXPORT)
    service.archive_project(row, member.user)
    return Status(204, None)
