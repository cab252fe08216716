"""Endpoints of credentials: list, create, check, and the projects that the provider lists."""

from django.db import transaction
from ninja import Router, Status
from pydantic import Field

from exports import access
from exports.api import body, serializers
from exports.api.auth import ApiRequest
from exports.api.body import RequestBody
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import (
    CredentialOut,
    CredentialsOut,
    EmptyBody,
    NewCredential,
    RemoteProjectOut,
    RemoteProjectsOut,
    StepOut,
    VerdictOut,
)
from exports.credentials import service
from exports.credentials.delete import delete_credential
from exports.exporting import pagination, pauses

router = Router(tags=["Credentials"])


class CredentialChanges(RequestBody):
    """What to change; what is left out stays. `paused`: nothing new is asked for with it; what runs goes on."""

    name: str = Field("", json_schema_extra={"minLength": 1, "maxLength": service.MAX_CREDENTIAL_NAME_LENGTH})
    paused: bool = False


@router.get("/credentials", response=CredentialsOut, openapi_extra=operation_docs(422, parameters=PAGING_PARAMETERS))
def list_credentials(request: ApiRequest) -> CredentialsOut:
    """The team's credentials, newest first. Secrets never come back."""
    before, limit = read_paging(request.GET)
    page = pagination.get_page(access.credentials(request.auth.member), before=before, limit=limit)
    return CredentialsOut(
        credentials=[serializers.credential(row) for row in page.rows], meta=serializers.page_meta(page)
    )


@router.post("/credentials", response={201: CredentialOut}, openapi_extra=operation_docs(body=NewCredential))
def create_credential(request: ApiRequest) -> CredentialOut:
    """Adds a credential; for owners. The provider is not called: test it afterwards."""
    member = access.require(request.auth.member, access.MANAGE)
    data = body.read_body(request, NewCredential)
    row = service.create_credential(
        member.team,
        member.user,
        provider=data.provider,
        name=data.name,
        secrets=data.secrets,
        origin=data.origin or "",
        dialect=data.dialect or "",
    )
    return serializers.credential(row)


@router.get("/credentials/{int:credential_id}", response=CredentialOut, openapi_extra=operation_docs(404))
def get_credential(request: ApiRequest, credential_id: int) -> CredentialOut:
    """One credential, without its secrets."""
    return serializers.credential(access.credential(request.auth.member, credential_id))


@router.patch(
    "/credentials/{int:credential_id}",
    response=CredentialOut,
    openapi_extra=operation_docs(404, body=CredentialChanges),
)
def change_credential(request: ApiRequest, credential_id: int) -> CredentialOut:
    """Renames or pauses a credential; for owners."""
    member = request.auth.member
    row = access.credential(member, credential_id, access.MANAGE)
    data = body.read_body(request, CredentialChanges)
    with transaction.atomic():
        if "name" in data.model_fields_set:
            service.rename_credential(row, member.user, data.name)
        if "paused" in data.model_fields_set:
            pauses.set_paused(row, member.user, data.paused)
    return serializers.credential(row)


@router.delete("/credentials/{int:credential_id}", response={204: None}, openapi_extra=operation_docs(403, 404, 409))
def remove_credential(request: ApiRequest, credential_id: int) -> Status[None]:
    """Deletes a credential and its secrets; for owners. While projects use it: 409, which names them."""
    member = request.auth.member
    row = access.credential(member, credential_id, access.MANAGE)
    delete_credential(row, member.user)
    return Status(204, None)


@router.post(
    "/credentials/{int:credential_id}/check", response=VerdictOut, openapi_extra=operation_docs(404, body=EmptyBody)
)
def check_credential(request: ApiRequest, credential_id: int) -> VerdictOut:
    """Tests a credential at the provider, in named steps, without changing anything there."""
    row = access.credential(request.auth.member, credential_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    verdict = service.check_credential(row)
    steps = [StepOut(name=step.name, ok=step.ok, detail=step.detail) for step in verdict.steps]
    return VerdictOut(ok=verdict.ok, detail=verdict.detail, steps=steps)


@router.get(
    "/credentials/{int:credential_id}/remote-projects",
    response=RemoteProjectsOut,
    openapi_extra=operation_docs(403, 404, 502, 503),
)
def list_remote_projects(request: ApiRequest, credential_id: int) -> RemoteProjectsOut:
    """The projects the provider lists for a credential, to pick from; empty where it has no list."""
    row = access.credential(request.auth.member, credential_id, access.EXPORT)
    projects = [
        RemoteProjectOut(id=project.id, name=project.name, note=project.note)
        for project in service.list_remote_projects(row)
    ]
    return RemoteProjectsOut(projects=projects, meta=serializers.single_page_meta(len(projects)))
