"""Endpoints of projects: list, create, get."""

from ninja import Router

from exports import access
from exports.api import body, serializers
from exports.api.auth import ApiRequest
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import NewProject, ProjectOut, ProjectsOut
from exports.credentials import service
from exports.exporting import pagination

router = Router(tags=["Projects"])


@router.get("/projects", response=ProjectsOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_projects(request: ApiRequest) -> ProjectsOut:
    """The team's projects, newest first."""
    before, limit = read_paging(request.GET)
    page = pagination.get_page(access.projects(request.auth.member), before=before, limit=limit)
    return ProjectsOut(projects=[serializers.project(row) for row in page.rows], meta=serializers.page_meta(page))


@router.post("/projects", response={201: ProjectOut}, openapi_extra=operation_docs(404, body=NewProject))
def create_project(request: ApiRequest) -> ProjectOut:
    """Adds a project by its id at the provider. The provider is not called."""
    member = access.require(request.auth.member, access.EXPORT)
    data = body.read_body(request, NewProject)
    credential = access.credential(member, data.credential_id, access.EXPORT)
    row = service.create_project(credential, member.user, remote_id=data.remote_id, name=data.name or "")
    return serializers.project(row)


@router.get("/projects/{int:project_id}", response=ProjectOut, openapi_extra=operation_docs(404))
def get_project(request: ApiRequest, project_id: int) -> ProjectOut:
    """One project."""
    return serializers.project(access.project(request.auth.member, project_id))
