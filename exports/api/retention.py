"""Endpoints of retention rules: the team's, a project's, and what a rule would delete."""

from dataclasses import asdict
from typing import Any, Final

from django.utils.http import urlencode
from ninja import Router
from pydantic import BaseModel

from exports import access
from exports.api import body
from exports.api.auth import ApiRequest
from exports.api.body import RequestBody
from exports.api.lists import read_paging
from exports.api.openapi import PAGING_PARAMETERS, operation_docs
from exports.api.schemas import Meta
from exports.errors import InvalidError
from exports.exporting import purge, retention_preview, retention_rules
from exports.exporting.filters import parse_positive_int
from exports.exporting.retention_rules import LARGEST
from exports.models import Project, RetentionRule
from exports.storage.retention import Rule
from exports.storage.retention_plan import numbers_of, rules_of

router = Router(tags=["Retention"])


class RetentionIn(RequestBody):
    """The numbers of a rule. What is left out is null; with all null every file is kept."""

    keep_last: int | None = None
    keep_days: int | None = None
    keep_daily: int | None = None
    keep_weekly: int | None = None
    keep_monthly: int | None = None
    max_bytes: int | None = None


class RetentionOut(BaseModel):
    """A rule. A file is kept if any number keeps it, per project, type and format; `max_bytes` comes last."""

    keep_last: int | None
    keep_days: int | None
    keep_daily: int | None
    keep_weekly: int | None
    keep_monthly: int | None
    max_bytes: int | None


class FileThatGoesOut(BaseModel):
    """A file that would be deleted. `rule`: the numbers by which it goes."""

    export_id: int
    project_id: int
    name: str
    size: int
    rule: str


class RetentionPreviewOut(BaseModel):
    """What a rule would delete now. `bytes`: of all such files, also those on other pages."""

    files: list[FileThatGoesOut]
    bytes: int
    meta: Meta


RULE_PARAMETERS: Final[list[dict[str, Any]]] = [
    {
        "name": name,
        "in": "query",
        "description": "A number of the rule.",
        "schema": {"type": "integer", "minimum": 1, "maximum": largest},
    }
    for name, largest in LARGEST.items()
]
PROJECT_PARAMETER: Final[dict[str, Any]] = {
    "name": "project_id",
    "in": "query",
    "description": "Read the rule as this project's own.",
    "schema": {"type": "integer", "minimum": 1},
}
PROJECT_RULE_DOCS: Final = operation_docs(404, body=RetentionIn)
_SCHEMA: Final = PROJECT_RULE_DOCS["requestBody"]["content"]["application/json"]
_SCHEMA["schema"] = {"anyOf": [_SCHEMA["schema"], {"type": "null"}]}


@router.get("/retention", response=RetentionOut, openapi_extra=operation_docs())
def get_retention(request: ApiRequest) -> RetentionOut:
    """The team's rule."""
    return _serialize(rules_of(request.auth.member.team).rule)


@router.put("/retention", response=RetentionOut, openapi_extra=operation_docs(body=RetentionIn))
def set_retention(request: ApiRequest) -> RetentionOut:
    """Replaces the team's rule. It is applied in the night; `GET /retention/preview` says what it deletes."""
    member = access.require(request.auth.member, access.MANAGE)
    rule = retention_rules.make_rule(body.read_body(request, RetentionIn).model_dump())
    retention_rules.set_team_rule(member.team, member.user, rule)
    purge.refresh_expiry_if_quick(member.team)
    return _serialize(rule)


@router.get(
    "/retention/preview",
    response=RetentionPreviewOut,
    openapi_extra=operation_docs(422, parameters=[*RULE_PARAMETERS, PROJECT_PARAMETER, *PAGING_PARAMETERS]),
)
def preview_retention(request: ApiRequest) -> RetentionPreviewOut:
    """What a rule would delete now, newest first. Without a number in the query: what the rules in force delete."""
    member = request.auth.member
    before, limit = read_paging(request.GET, *LARGEST, "project_id")
    numbers = _read_numbers(request)
    rule = retention_rules.make_rule(numbers) if numbers else None
    project_id = _read_number(request, "project_id")
    project = access.projects(member, with_archived=True).filter(pk=project_id).first() if project_id else None
    if project_id and project is None:
        raise InvalidError({"project_id": ["There is no such project in this team."]})
    page = retention_preview.preview(member.team, rule, project, before=before, limit=limit)
    query = {
        **numbers,
        **({"project_id": project_id} if project_id else {}),
        "limit": limit,
        "before": page.next_before,
    }
    more = "?" + urlencode({name: value if value is not None else "null" for name, value in query.items()})
    return RetentionPreviewOut(
        files=[
            FileThatGoesOut(
                export_id=file.export.pk,
                project_id=file.export.project_id,
                name=file.name,
                size=file.size,
                rule=file.rule,
            )
            for file in page.files
        ],
        bytes=page.bytes,
        meta=Meta(limit=limit, next=more if page.next_before else None),
    )


@router.get("/projects/{int:project_id}/retention", response=RetentionOut | None, openapi_extra=operation_docs(404))
def get_project_retention(request: ApiRequest, project_id: int) -> RetentionOut | None:
    """A project's own rule, which replaces the team's; null where it has none."""
    project = access.project(request.auth.member, project_id)
    row = RetentionRule.objects.filter(project=project).first()
    return _serialize(numbers_of(row)) if row else None


@router.put("/projects/{int:project_id}/retention", response=RetentionOut | None, openapi_extra=PROJECT_RULE_DOCS)
def set_project_retention(request: ApiRequest, project_id: int) -> RetentionOut | None:
    """Replaces a project's own rule; null removes it, so that the team's holds again."""
    member = request.auth.member
    project: Project = access.project(member, project_id, access.MANAGE)
    rule = None
    if request.body.strip() != b"null":
        rule = retention_rules.make_rule(body.read_body(request, RetentionIn).model_dump())
    retention_rules.set_project_rule(project, member.user, rule)
    purge.refresh_expiry_if_quick(member.team)
    return _serialize(rule) if rule else None


def _serialize(rule: Rule) -> RetentionOut:
    return RetentionOut(**asdict(rule))


def _read_numbers(request: ApiRequest) -> dict[str, int | None]:
    """The numbers in the query; null stands for none. Raises InvalidError."""
    return {name: _read_number(request, name) for name in LARGEST if name in request.GET}


def _read_number(request: ApiRequest, name: str) -> int | None:
    values = request.GET.getlist(name)
    if not values or values == ["null"]:
        return None
    if len(values) > 1:
        raise InvalidError({name: ["Give this once."]})
    try:
        return parse_positive_int(values[0])
    except ValueError as error:
        raise InvalidError({name: [str(error)]}) from None
