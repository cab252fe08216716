"""Projects: a provider's projects that the team exports from."""

from ninja import Router

from exports import access
from exports.api import body, shapes
from exports.api.auth import ApiRequest
from exports.api.document import PAGING, about
from exports.api.lists import read_paging
from exports.api.schemas import NewProject, ProjectOut, ProjectsOut
from exports.engine import browse, keep

router = Router(tags=["Projects"])


@router.get("/projects", response=ProjectsOut, openapi_extra=about(422, parameters=PAGING))
def list_projects(request: ApiRequest) -> ProjectsOut:
    """The team's projects, newest first."""
    before, limit = read_paging(request.GET)
    page = browse.page(access.projects(request.auth.member), before=before, limit=limit)
    return ProjectsOut(projects=[shapes.project(row) for row in page.rows], meta=shapes.meta(page))


@router.post("/projects", response={201: ProjectOut}, openapi_extra=about(404, body=NewProject))
def create_project(request: ApiRequest) -> ProjectOut:
    """Adds a project by its id at the provider. The provider is not called."""
    member = access.need(request.auth.member, access.EXPORT)
    wish = body.read(request, NewProject)
    credential = access.credential(member, wish.credential_id, access.EXPORT)
    row = keep.create_project(credential, member.user, remote_id=wish.remote_id, name=wish.name or "")
    return shapes.project(row)


@router.get("/projects/{int:project_id}", response=ProjectOut, openapi_extra=about(404))
def get_project(request: ApiRequest, project_id: int) -> ProjectOut:
    """One project."""
    return shapes.project(access.project(request.auth.member, project_id))
