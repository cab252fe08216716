"""Endpoints of coverage: what providers list against what is protected here; listing it anew."""

from typing import Final

from django.http import QueryDict
from ninja import Router, Status
from pydantic import BaseModel

from exports import access
from exports.api import body
from exports.api.auth import ApiRequest
from exports.api.lists import read_known
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import CredentialOut, EmptyBody, Meta, Moment
from exports.api.serializers import credential as credential_out
from exports.credentials.discovery import request_discovery
from exports.errors import InvalidError
from exports.exporting import coverage, pagination
from exports.exporting.coverage import STATES, CoverageFilters
from exports.exporting.filters import MAX_ID, parse_positive_int
from exports.providers.registry import PROVIDERS

router = Router(tags=["Coverage"])
NAMES: Final = ("state", "provider", "credential_id", "limit", "after")
PARAMETERS: Final = [
    {"name": "state", "in": "query", "description": "Several with commas.", "schema": {"type": "string"}},
    {"name": "provider", "in": "query", "schema": {"type": "string", "enum": list(PROVIDERS)}},
    {"name": "credential_id", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MAX_ID}},
    {"name": "after", "in": "query", "description": "Where to go on: from `meta.next`.", "schema": {"type": "string"}},
    PAGING_PARAMETERS[0],
]


class CoverageRowOut(BaseModel):
    """A project there, here, or both. `state`: gone (no longer there), unprotected (not here), never, overdue, fresh.

    `never`: no good export yet. `fresh`: young enough for its target, or it has none. `scheduled`: by a schedule.
    """

    credential_id: int
    provider: str
    remote_id: str
    name: str
    project_id: int | None
    state: str
    last_good_at: Moment | None
    scheduled: bool


class CoverageOut(BaseModel):
    """A page of the list."""

    coverage: list[CoverageRowOut]
    meta: Meta


@router.get("/coverage", response=CoverageOut, openapi_extra=operation_docs(422, parameters=PARAMETERS))
def list_coverage(request: ApiRequest) -> CoverageOut:
    """What the team's credentials reach at their providers, and what is here; the unprotected first."""
    filters, cursor, limit = _read(request.GET)
    page = coverage.get_page(request.auth.member.team_id, filters, cursor, limit)
    rows = [
        CoverageRowOut(
            credential_id=row.credential_id,
            provider=row.provider,
            remote_id=row.remote_id,
            name=row.name,
            project_id=row.project.pk if row.project else None,
            state=row.state,
            last_good_at=row.last_good_at,
            scheduled=row.scheduled,
        )
        for row in page.rows
    ]
    return CoverageOut(coverage=rows, meta=Meta(limit=limit, next=_next_query(request.GET, page.cursor)))


@router.post(
    "/credentials/{int:credential_id}/discover",
    response={202: CredentialOut},
    openapi_extra=operation_docs(403, 404, 409, body=EmptyBody),
)
def discover(request: ApiRequest, credential_id: int) -> Status[CredentialOut]:
    """Has the provider's projects listed anew, in the background. `discovered_at` is null until that is done."""
    row = access.credential(request.auth.member, credential_id, access.EXPORT)
    body.read_body(request, EmptyBody)
    request_discovery(row)
    return Status(202, credential_out(row))


def _read(data: QueryDict) -> tuple[CoverageFilters, str, int]:
    """Returns filters, cursor and limit. Raises InvalidError."""
    errors = read_known(data, NAMES)
    states = tuple(word.strip() for word in data.get("state", "").split(",") if word.strip())
    if set(states) - set(STATES):
        errors["state"] = [f"Choose from: {', '.join(STATES)}."]
    provider = data.get("provider", "")
    if provider and provider not in PROVIDERS:
        errors["provider"] = [f"Choose one of: {', '.join(PROVIDERS)}."]
    credential_id, limit = None, pagination.DEFAULT_LIMIT
    try:
        credential_id = parse_positive_int(str(data["credential_id"]), MAX_ID) if "credential_id" in data else None
    except ValueError as error:
        errors["credential_id"] = [str(error)]
    try:
        limit = parse_positive_int(str(data["limit"]), pagination.MAX_LIMIT) if "limit" in data else limit
    except ValueError as error:
        errors["limit"] = [str(error)]
    if errors:
        raise InvalidError(errors)
    return CoverageFilters(states, provider, credential_id), data.get("after", ""), limit


def _next_query(data: QueryDict, cursor: str) -> str | None:
    if not cursor:
        return None
    query = data.copy()
    query["after"] = cursor
    return f"?{query.urlencode()}"
