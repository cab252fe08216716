"""Conversion of rows and declarations to the models of `schemas`."""

from typing import Any

from django.http import HttpRequest

from exports import representations
from exports.api import options
from exports.api.schemas import (
    CallOut,
    ChangeOut,
    KindOut,
    Meta,
    OriginOut,
    PresetOut,
    ProviderOut,
    ScheduleOut,
    SecretOut,
)
from exports.exporting import schedules
from exports.exporting.pagination import Page
from exports.models import Call, Change, Schedule
from exports.portal_url import portal_url
from exports.providers.contract import Kind, Provider
from exports.representations import credential as credential
from exports.representations import export as export
from exports.representations import file as file
from exports.representations import project as project
from exports.representations import team as team
from exports.representations import user as user


def base_url(request: HttpRequest) -> str:
    """Returns scheme and host of the portal's URLs (`exports.portal_url`)."""
    return portal_url(request)


def page_meta(page: Page[Any]) -> Meta:
    """Returns the Meta of a page of a list."""
    return Meta(limit=page.limit, next=page.next_query)


def single_page_meta(count: int) -> Meta:
    """Returns the Meta of a list that is returned whole."""
    return Meta(limit=count, next=None)


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


def schedule(row: Schedule) -> ScheduleOut:
    """Serializes a schedule with its next planned times."""
    return representations.schedule(row, schedules.next_runs(row))


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
        presets=[
            PresetOut(name=preset.name, label=preset.label, help=preset.help, options=dict(preset.options))
            for preset in declared.presets
        ],
    )
