"""Resources as the API shows them and webhooks carry them: their fields, and how a row becomes one.

Plain pydantic models: ninja's Schema resolves every value as a template would, which doubled the time of lists. Their
docstrings are descriptions in the OpenAPI document.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from django.urls import reverse
from pydantic import BaseModel, Field, PlainSerializer, WithJsonSchema

from exports.models import Credential, Export, File, Project, Schedule, Team, User
from exports.providers.registry import PROVIDERS


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(_rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


class UserOut(BaseModel):
    id: int
    email: str
    name: str


class TeamOut(BaseModel):
    id: int
    slug: str
    name: str


class CredentialOut(BaseModel):
    """A credential without its secrets: `secret_fields` names those that are set. `trouble` is empty when it works.

    `discovered_at`: when its provider's projects were listed last, or that was tried; `discovery_error`: why in vain.
    """

    id: int
    provider: str
    name: str
    origin: str
    dialect: str
    secret_fields: list[str]
    created_at: Moment
    used_at: Moment | None
    checked_at: Moment | None
    trouble: str
    paused: bool
    discovered_at: Moment | None
    discovery_error: str


class ProjectOut(BaseModel):
    """A project. `overdue`: its last good export is older than `fresh_within_hours` hours; without one, the project."""

    id: int
    credential_id: int
    provider: str
    remote_id: str
    name: str
    created_at: Moment
    paused: bool
    fresh_within_hours: int | None
    last_good_at: Moment | None
    overdue: bool


class ErrorOut(BaseModel):
    """Why an export failed. `action` says whose turn it is: you, us, provider or none."""

    code: str
    message: str
    action: str


class FileOut(BaseModel):
    """The verified file."""

    name: str
    size: int
    sha256: str
    content_type: str
    verified_at: Moment
    expires_at: Moment | None
    pinned: bool
    damaged_at: Moment | None
    unchecked: str | None = Field(description="A sentence about what of it could not be checked; null where all was.")


class ExportOut(BaseModel):
    """An export. Times are the portal's own. `remote_id` and `provider_status` are empty until they are known."""

    id: int
    project_id: int
    provider: str
    type: str
    format: str
    options: dict[str, Any]
    status: str
    step: str
    progress: float | None
    provider_status: str
    messages: list[Any]
    error: ErrorOut | None
    created_at: Moment
    submitted_at: Moment | None
    started_at: Moment | None
    finished_at: Moment | None
    next_step_at: Moment | None
    deadline_at: Moment
    remote_id: str
    url: str | None = Field(description="Where the portal hands out the file; null until there is one.")
    file: FileOut | None
    user: UserOut
    trigger: str
    retry_of: int | None


class ScheduleOut(BaseModel):
    """A schedule. `next_runs`: the next five planned times, none while it is disabled. Failures disable it after five.

    `disabled_reason` is a sentence where the portal disabled it, and empty otherwise.
    """

    id: int
    project_id: int
    provider: str
    type: str
    format: str
    options: dict[str, Any]
    all_branches: bool
    cron: str
    time_zone: str
    spread_minutes: int
    enabled: bool
    disabled_reason: str
    failures_in_a_row: int
    next_runs: list[Moment]
    last_export_id: int | None
    owner: UserOut
    created_at: Moment


def user(row: User) -> UserOut:
    """Serializes a user."""
    return UserOut(id=row.pk, email=row.email, name=row.name)


def team(row: Team) -> TeamOut:
    """Serializes a team."""
    return TeamOut(id=row.pk, slug=row.slug, name=row.name)


def export(row: Export, base: str) -> ExportOut:
    """Serializes an export. `base`: the base URL of its file's URL."""
    kept_file = row.file if row.file is not None and row.file.deleted_at is None else None
    return ExportOut(
        id=row.pk,
        project_id=row.project_id,
        provider=row.project.credential.provider,
        type=row.type,
        format=row.format,
        options=row.options,
        status=row.status,
        step=row.step,
        progress=row.progress,
        provider_status=row.provider_status,
        messages=row.messages,
        error=_error(row),
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        next_step_at=row.next_step_at,
        deadline_at=row.deadline_at,
        remote_id=row.remote_id,
        url=base + reverse("api:export_file", args=[row.pk]) if kept_file else None,
        file=file(kept_file) if kept_file else None,
        user=user(row.user),
        trigger=row.trigger,
        retry_of=row.retry_of_id,
    )


def _error(row: Export) -> ErrorOut | None:
    if not row.error_code:
        return None
    return ErrorOut(code=row.error_code, message=row.error_message, action=row.error_action)


def file(row: File) -> FileOut:
    """Serializes a file."""
    return FileOut(
        name=row.name,
        size=row.size,
        sha256=row.sha256,
        content_type=row.content_type,
        verified_at=row.verified_at,
        expires_at=row.expires_at,
        pinned=row.pinned_at is not None,
        damaged_at=row.damaged_at,
        unchecked=row.unchecked or None,
    )


def credential(row: Credential) -> CredentialOut:
    """Serializes a credential with the names of its secrets, never their values."""
    # The portal may no longer have the provider; its credentials stay.
    has_provider = row.provider in PROVIDERS
    names = (
        [secret.name for secret in row.provider_definition.secrets] if has_provider else sorted(row.encrypted_secrets)
    )
    return CredentialOut(
        id=row.pk,
        provider=row.provider,
        name=row.name,
        origin=row.origin_url if has_provider else row.origin,
        dialect=row.dialect,
        secret_fields=[name for name in names if name in row.encrypted_secrets],
        created_at=row.created_at,
        used_at=row.used_at,
        checked_at=row.checked_at,
        trouble=row.last_error,
        paused=row.paused_at is not None,
        discovered_at=row.discovered_at,
        discovery_error=row.discovery_error,
    )


def project(row: Project) -> ProjectOut:
    """Serializes a project."""
    return ProjectOut(
        id=row.pk,
        credential_id=row.credential_id,
        provider=row.credential.provider,
        remote_id=row.remote_id,
        name=row.name,
        created_at=row.created_at,
        paused=row.paused_at is not None,
        fresh_within_hours=row.fresh_within_hours,
        last_good_at=row.last_good_at,
        overdue=row.is_overdue,
    )


def schedule(row: Schedule, next_runs: Sequence[datetime]) -> ScheduleOut:
    """Serializes a schedule with its next planned times."""
    return ScheduleOut(
        id=row.pk,
        project_id=row.project_id,
        provider=row.project.credential.provider,
        type=row.type,
        format=row.format,
        options=row.options,
        all_branches=row.all_branches,
        cron=row.cron,
        time_zone=row.zone_name,
        spread_minutes=row.spread_minutes,
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        failures_in_a_row=row.failures_in_a_row,
        next_runs=list(next_runs),
        last_export_id=row.last_export_id,
        owner=user(row.owner),
        created_at=row.created_at,
    )
