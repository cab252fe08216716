"""Conversion of rows and declarations to the models of `schemas`."""

from django.http import HttpRequest
from django.urls import reverse

from exports.api import options
from exports.api.schemas import (
    CallOut,
    ChangeOut,
    CredentialOut,
    ErrorOut,
    ExportOut,
    FileOut,
    KindOut,
    Meta,
    OriginOut,
    ProjectOut,
    ProviderOut,
    SecretOut,
    UserOut,
)
from exports.exporting.pagination import Page
from exports.models import Call, Change, Credential, Export, File, Project, User
from exports.portal_url import portal_url
from exports.providers.contract import Kind, Provider
from exports.providers.registry import PROVIDERS


def base_url(request: HttpRequest) -> str:
    """Returns scheme and host of the portal's URLs (`exports.portal_url`)."""
    return portal_url(request)


def page_meta(page: Page[Export] | Page[Project] | Page[Credential]) -> Meta:
    """Returns the Meta of a page of a list."""
    return Meta(limit=page.limit, next=page.next_query)


def single_page_meta(count: int) -> Meta:
    """Returns the Meta of a list that is returned whole."""
    return Meta(limit=count, next=None)


def user(row: User) -> UserOut:
    """Serializes a user."""
    return UserOut(id=row.pk, email=row.email, name=row.name)


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
        unchecked=row.unchecked or None,
    )


def change(row: Change) -> ChangeOut:
    """Serializes a row of the history."""
    return ChangeOut(
        from_=row.from_status,
        to=row.to_status,
        at=row.at,
        source=row.source,
        actor=row.actor,
        provider_status=row.provider_status,
        note=row.note,
    )


def call(row: Call) -> CallOut:
    """Serializes a call to the provider."""
    return CallOut(at=row.at, method=row.method, url=row.url, status=row.status, seconds=row.seconds, error=row.error)


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
    )


def provider(declared: Provider) -> ProviderOut:
    """Serializes a provider's declaration."""
    return ProviderOut(
        slug=declared.slug,
        label=declared.label,
        docs=declared.docs,
        project_help=declared.project_help,
        lists_projects=declared.lists_projects,
        origins=[
            OriginOut(name=name, address=address, note=declared.origin_notes.get(name, ""))
            for name, address in declared.origins.items()
        ],
        dialects=list(declared.dialects),
        secret_fields=[
            SecretOut(
                name=secret.name,
                label=secret.label,
                help=secret.help,
                required=secret.required,
                choices=[value for value, _ in secret.choices],
            )
            for secret in declared.secrets
        ],
        kinds=[kind(declared_kind) for declared_kind in declared.kinds],
    )


def kind(declared: Kind) -> KindOut:
    """Serializes a kind of export."""
    return KindOut(
        type=declared.type,
        label=declared.label,
        formats=list(declared.formats),
        effect=declared.effect,
        cost=declared.cost,
        options=options.form_schema(declared.options),
    )
