"""Asking for exports: the one way in for pages, API, commands, retries."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction

from exports import clock, states
from exports.audit import log as audit_log
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.models import Change, Export, IdempotencyKey, Member, Project, User
from exports.providers.contract import Kind, is_valid_remote_id
from exports.queue import wakeup

# An export that waits for a provider's limits may wait long; watching a job has the kind's own deadline.
SUBMIT_DEADLINE_SECONDS: Final = 24 * 3600.0
SOURCES: Final = {"person": "person", "api": "api", "schedule": "schedule"}


@dataclass(frozen=True)
class ExportRequest:
    """What is asked for. `options` as they came: text from a form, or JSON values.

    `adopt`: id of a job that already runs at the provider; it is watched, nothing is submitted.
    """

    type: str
    format: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    confirm: bool = False
    adopt: str = ""
    allow_duplicate: bool = False


@dataclass(frozen=True)
class Requester:
    """Who asks, and how. `source` is the history's word."""

    user: User
    source: str = "person"
    trigger: str = "person"


def create_export(project: Project, wish: ExportRequest, asker: Requester, retry_of: Export | None = None) -> Export:
    """Makes an export of a project. Raises InvalidError, TwinError. Never calls the provider."""
    kind, options = _check(project, wish)
    format_ = wish.format or kind.formats[0]
    key = hash_options(options)
    with transaction.atomic():
        # The row lock makes a double click two requests in a row, and the second sees the first's export.
        Project.objects.select_for_update().get(pk=project.pk)
        if not wish.allow_duplicate:
            _refuse_twin(project, wish, format_, key)
        now = clock.now()
        seconds = kind.deadline.total_seconds() if wish.adopt else SUBMIT_DEADLINE_SECONDS
        export = Export.objects.create(
            team_id=project.team_id,
            project=project,
            user=asker.user,
            trigger=asker.trigger,
            retry_of=retry_of,
            type=kind.type,
            format=format_,
            options=options,
            options_key=key,
            remote_id=wish.adopt,
            step=states.POLL if wish.adopt else states.SUBMIT,
            created_at=now,
            next_step_at=now,
            deadline_at=clock.seconds_from_now(seconds),
        )
        note = f"Adopts the job {wish.adopt}." if wish.adopt else ""
        if retry_of is not None:
            note = f"{note} Retry of export {retry_of.pk}.".strip()
        Change.append(export, None, source=asker.source, actor=asker.user.email, at=now, note=note)
        if asker.source in audit_log.AUDITED_SOURCES:
            verb = {"retry": "retried", "adopt": "adopted"}.get(asker.trigger, "asked for")
            what = f"retry of export {retry_of.pk}" if retry_of is not None else ""
            audit_log.record_event(export.team_id, asker.user, verb, audit_log.describe_export(export), what)
        wakeup.wake_after_commit()
    return export


def create_export_once(key: str, member: Member, project: Project, wish: ExportRequest, asker: Requester) -> Export:
    """As `request`, and a repeated request with the same key gives the same export.

    Raises ConflictError when the key was used for something else.
    """
    asked = [project.pk, wish.type, wish.format, wish.options, wish.confirm, wish.adopt, wish.allow_duplicate]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        used = IdempotencyKey.objects.filter(member=member, key=key).select_related("export").first()
        if used is None:
            export = create_export(project, wish, asker)
            IdempotencyKey.objects.create(member=member, key=key, digest=digest, export=export)
            return export
    if used.digest != digest:
        raise ConflictError("This Idempotency-Key was used for another request. Use a new key.")
    return used.export


def hash_options(options: Mapping[str, Any]) -> str:
    """Tells equal options apart from others, whatever their order."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()


def _refuse_twin(project: Project, wish: ExportRequest, format_: str, key: str) -> None:
    same = {"remote_id": wish.adopt} if wish.adopt else {"format": format_, "options_key": key}
    twins = Export.objects.open().filter(project=project, type=wish.type, **same)
    if (twin := twins.values_list("pk", flat=True).first()) is not None:
        raise DuplicateError(twin)


def _check(project: Project, wish: ExportRequest) -> tuple[Kind, dict[str, Any]]:
    """The kind and the cleaned options. Raises InvalidError with every problem at once."""
    provider = project.provider
    kind = provider.kind(wish.type)
    if kind is None:
        types = ", ".join(kind.type for kind in provider.kinds)
        raise InvalidError({"type": [f"{provider.label} has no export of this type. It has: {types}."]})
    errors: dict[str, list[str]] = {}
    if wish.format and wish.format not in kind.formats:
        errors["format"] = [f"This export comes as: {', '.join(kind.formats)}."]
    if kind.effect == "changes" and not wish.confirm and not wish.adopt:
        errors["confirm"] = [f"{kind.label} changes the project at {provider.label}. Confirm it with confirm: true."]
    if wish.adopt and not is_valid_remote_id(wish.adopt):
        errors["adopt"] = ["The job's id has 1 to 200 characters, without / ? #."]
    options, problems = clean_options(kind, wish.options)
    errors |= problems
    if not problems:
        for name, texts in provider.option_problems(kind, options, project.credential.dialect).items():
            errors[f"options.{name}"] = texts
    if errors and not (wish.adopt and set(errors) == {name for name in errors if name.startswith("options.")}):
        raise InvalidError(errors)
    return kind, options


def clean_options(kind: Kind, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Options as they are kept (only those that are set), and problems by field."""
    form = kind.options(data={name: value for name, value in given.items() if value is not None})
    errors = {
        f"options.{name}": [f"Unknown option. This export takes: {', '.join(form.fields) or 'no options'}."]
        for name in given
        if name not in form.fields
    }
    if not form.is_valid():
        for name, texts in form.errors.items():
            field_name = "options" if name == NON_FIELD_ERRORS else f"options.{name}"
            errors[field_name] = [str(text) for text in texts]
    cleaned = {
        name: value for name, value in form.cleaned_data.items() if name in given and value not in (None, "", [], {})
    }
    return cleaned, errors
