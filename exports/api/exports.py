"""Endpoints of exports: create, list, get, cancel, retry, adopt, fetch again, history, calls, file, pin."""

from typing import Any, Final

from django.http import Http404
from django.http.response import HttpResponseBase
from ninja import Router, Status

from exports import access, formats, states
from exports.api import body, serializers
from exports.api.auth import ApiRequest, Caller
from exports.api.lists import read_filters
from exports.api.openapi import FILTER_PARAMETERS, PAGING_PARAMETERS, header_parameter, operation_docs
from exports.api.schemas import (
    Adoption,
    CallsOut,
    EmptyBody,
    ExportOut,
    ExportsOut,
    HistoryOut,
    NewExport,
    Retry,
)
from exports.errors import ConflictError, InvalidError
from exports.exporting import actions, create, fetch_again, pagination, pins
from exports.exporting.create import ExportRequest, Requester
from exports.exporting.delete_file import delete_file
from exports.http import file_responses
from exports.models import Call, Change, Export
from exports.storage import downloads

router = Router(tags=["Exports"])

SOURCE: Final = "api"
MAX_KEY_LENGTH: Final = 255
LIST_PARAMETERS: Final = [*FILTER_PARAMETERS, *PAGING_PARAMETERS]
FILE_RESPONSE: Final[dict[str, Any]] = {
    "description": "The bytes",
    "content": {one.content_type.partition(";")[0]: {} for one in formats.declared_formats()},
    "headers": {"ETag": {"schema": {"type": "string"}, "description": "The sha256, in quotes."}},
}
PARTIAL_FILE_RESPONSE: Final = {**FILE_RESPONSE, "description": "The part that Range asked for"}


def _requester(caller: Caller, trigger: str = "api") -> Requester:
    return Requester(caller.member.user, SOURCE, trigger)


@router.post(
    "/projects/{int:project_id}/exports",
    response={201: ExportOut},
    openapi_extra=operation_docs(
        404,
        409,
        body=NewExport,
        parameters=[
            header_parameter(
                "Idempotency-Key",
                "A name for this request: sent again with it, it gives the same export.",
                minLength=1,
                maxLength=MAX_KEY_LENGTH,
            )
        ],
    ),
)
def create_export(request: ApiRequest, project_id: int) -> ExportOut:
    """Runs an export of a project. It begins as waiting; the provider is called later."""
    member = request.auth.member
    project = access.project(member, project_id, access.EXPORT)
    data = body.read_body(request, NewExport)
    export_request = ExportRequest(
        type=data.type,
        format=data.format or "",
        options=data.options or {},
        confirm=bool(data.confirm),
        adopt=data.adopt or "",
        allow_duplicate=bool(data.allow_twin),
    )
    requester = _requester(request.auth, "adopt" if data.adopt else "api")
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _serialize(request, create.create_export(project, export_request, requester))
    if not (1 <= len(key) <= MAX_KEY_LENGTH and key.isprintable()):
        raise InvalidError({"Idempotency-Key": [f"A key has 1 to {MAX_KEY_LENGTH} printable characters."]})
    return _serialize(request, create.create_export_once(key, member, project, export_request, requester))


@router.get(
    "/projects/{int:project_id}/exports",
    response=ExportsOut,
    openapi_extra=operation_docs(404, 422, parameters=LIST_PARAMETERS),
)
def list_exports_of_project(request: ApiRequest, project_id: int) -> ExportsOut:
    """The exports of one project, newest first."""
    project = access.project(request.auth.member, project_id)
    return _list(request, project.pk)


@router.get("/exports", response=ExportsOut, openapi_extra=operation_docs(422, parameters=LIST_PARAMETERS))
def list_exports(request: ApiRequest) -> ExportsOut:
    """The team's exports, newest first."""
    return _list(request)


@router.get("/exports/{int:export_id}", response=ExportOut, openapi_extra=operation_docs(404))
def get_export(request: ApiRequest, export_id: int) -> ExportOut:
    """One export, as it is now."""
    return serializers.export(access.export(request.auth.member, export_id), serializers.base_url(request))


@router.post(
    "/exports/{int:export_id}/cancel", response=ExportOut, openapi_extra=operation_docs(404, 409, body=EmptyBody)
)
def cancel_export(request: ApiRequest, export_id: int) -> ExportOut:
    """Cancels an open export, which never comes back. The job may go on at the provider."""
    member = request.auth.member
    row = access.export(member, export_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    return _serialize(request, actions.cancel(row, actor=member.user.email, source=SOURCE))


@router.post(
    "/exports/{int:export_id}/retry", response={201: ExportOut}, openapi_extra=operation_docs(404, 409, body=Retry)
)
def retry_export(request: ApiRequest, export_id: int) -> ExportOut:
    """Retries a failed export, or runs any other again, as a new export."""
    row = access.export(request.auth.member, export_id, access.EXPORT)
    data = body.read_body(request, Retry)
    return _serialize(request, actions.retry(row, _requester(request.auth), allow_duplicate=bool(data.allow_twin)))


@router.post(
    "/exports/{int:export_id}/adopt", response={201: ExportOut}, openapi_extra=operation_docs(404, 409, body=Adoption)
)
def adopt_export(request: ApiRequest, export_id: int) -> ExportOut:
    """Follows a job that already runs at the provider, as a new export; nothing is requested."""
    row = access.export(request.auth.member, export_id, access.EXPORT)
    data = body.read_body(request, Adoption)
    return _serialize(request, actions.adopt(row, data.remote_id, _requester(request.auth)))


@router.post(
    "/exports/{int:export_id}/fetch", response={201: ExportOut}, openapi_extra=operation_docs(404, 409, body=EmptyBody)
)
def fetch_export_again(request: ApiRequest, export_id: int) -> ExportOut:
    """Fetches the file of a job that is done at the provider again, as a new export; nothing is requested."""
    row = access.export(request.auth.member, export_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    return _serialize(request, fetch_again.fetch_again(row, _requester(request.auth)))


@router.get("/exports/{int:export_id}/history", response=HistoryOut, by_alias=True, openapi_extra=operation_docs(404))
def get_history(request: ApiRequest, export_id: int) -> HistoryOut:
    """Every change of an export, oldest first."""
    row = access.export(request.auth.member, export_id)
    changes = Change.objects.filter(export=row).order_by("seq")
    return HistoryOut(history=[serializers.change(change) for change in changes])


@router.get("/exports/{int:export_id}/calls", response=CallsOut, openapi_extra=operation_docs(404))
def get_calls(request: ApiRequest, export_id: int) -> CallsOut:
    """Every exchange with the provider for an export, oldest first, without secrets."""
    row = access.export(request.auth.member, export_id)
    calls = Call.objects.filter(export=row).order_by("pk")
    return CallsOut(calls=[serializers.call(call) for call in calls])


@router.get(
    "/exports/{int:export_id}/file",
    response={200: None},
    openapi_extra=operation_docs(
        404,
        410,
        412,
        416,
        parameters=[
            header_parameter("Range", "One range of bytes, like bytes=0-99."),
            header_parameter("If-Range", "The ETag the part belongs to; if it is another now, the whole file comes."),
            header_parameter("If-None-Match", "The ETag of what is there already."),
        ],
        s200=FILE_RESPONSE,
        s206=PARTIAL_FILE_RESPONSE,
        s304={"description": "What is there already is right"},
    ),
)
def export_file(request: ApiRequest, export_id: int) -> HttpResponseBase:
    """The verified file. Where the portal keeps files in a bucket: 302 to a signed link that lives a minute."""
    row = access.export(request.auth.member, export_id)
    if row.file is None:
        reason = "there is none by design" if row.status == states.SUCCEEDED else f"the export is {row.status}"
        raise Http404(f"Export {row.pk} has no file: {reason}.")
    return file_responses.serve_download(request, row, request.auth.member.user, downloads.VIA_API)


@router.delete("/exports/{int:export_id}/file", response={204: None}, openapi_extra=operation_docs(403, 404))
def delete_export_file(request: ApiRequest, export_id: int) -> Status[None]:
    """Deletes the file for good, also a pinned one. The export and its history stay."""
    member = request.auth.member
    row = access.export(member, export_id, access.EXPORT)
    try:
        delete_file(row, member.user)
    except ConflictError as error:
        raise Http404(str(error)) from None
    return Status(204, None)


@router.post("/exports/{int:export_id}/pin", response=ExportOut, openapi_extra=operation_docs(404, 409, body=EmptyBody))
def pin_export(request: ApiRequest, export_id: int) -> ExportOut:
    """Pins the file: it is kept until somebody unpins it, whatever the retention rules say."""
    row = access.export(request.auth.member, export_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    pins.pin(row, request.auth.member.user)
    return _serialize(request, row)


@router.post(
    "/exports/{int:export_id}/unpin", response=ExportOut, openapi_extra=operation_docs(404, 409, body=EmptyBody)
)
def unpin_export(request: ApiRequest, export_id: int) -> ExportOut:
    """Unpins the file: the retention rules hold for it again."""
    row = access.export(request.auth.member, export_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    pins.unpin(row, request.auth.member.user)
    return _serialize(request, row)


def _serialize(request: ApiRequest, row: Export) -> ExportOut:
    """Returns the export as it is in the database now; the instance at hand may be stale or lack related rows."""
    return serializers.export(access.export(request.auth.member, row.pk), serializers.base_url(request))


def _list(request: ApiRequest, project_id: int | None = None) -> ExportsOut:
    filters, before, limit = read_filters(request.GET)
    rows = access.exports(request.auth.member)
    if project_id is not None:
        rows = rows.filter(project_id=project_id)
    page = pagination.get_page(rows, filters, before, limit)
    base = serializers.base_url(request)
    return ExportsOut(exports=[serializers.export(row, base) for row in page.rows], meta=serializers.page_meta(page))
