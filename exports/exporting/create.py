"""Creating exports: the only way in for pages, API, commands and retries."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction

from exports import clock, log_ids, states
from exports.audit import log as audit_log
from exports.errors import ArchivedError, ConflictError, DuplicateError, InvalidError, PausedError
from exports.exporting.pauses import why_paused
from exports.models import Change, Export, IdempotencyKey, Member, Project, Schedule, User
from exports.providers.contract import Kind, is_valid_remote_id
from exports.providers.registry import NotInstalledError
from exports.queue import wakeup

log = logging.getLogger(__name__)

# An export may wait long for a provider's rate limits before it is submitted; following a job has the kind's deadline.
SUBMIT_DEADLINE_SECONDS: Final = 24 * 3600.0
SOURCES: Final = {"person": "person", "api": "api", "schedule": "schedule"}


@dataclass(frozen=True)
class ExportRequest:
    """A request for an export. `options` as received: text from an HTML form, or JSON values.

    `adopt`: id of a job that already runs at the provider; it is followed, nothing is submitted.
    `options_form`: the kind's form, bound to the same options. A page that shows this form passes it on, so that the
    options are validated once; without it `create_export` builds the form from `options`.
    """

    type: str
    format: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    confirm: bool = False
    adopt: str = ""
    allow_duplicate: bool = False
    options_form: forms.BaseForm | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Requester:
    """The person, and the way the request came: `source` for the history, `trigger` for the export.

    `actor`: who did it, where that is not the person whom the export belongs to (the portal's staff, a schedule).
    `schedule`: the schedule that asks, or that a person runs now.
    """

    user: User
    source: str = "person"
    trigger: str = "person"
    actor: str = ""
    schedule: Schedule | None = None


def create_export(
    project: Project, request: ExportRequest, requester: Requester, retry_of: Export | None = None
) -> Export:
    """Creates an export of a project. Never calls the provider.

    Raises InvalidError, ArchivedError, PausedError, DuplicateError.
    """
    kind, options = validate_request(project, request)
    format_ = request.format or kind.formats[0]
    key = hash_options(options)
    with transaction.atomic():
        # The row lock serializes the two requests of a double click, so the second one sees the first one's export.
        locked = Project.objects.select_for_update(of=("self",)).select_related("credential", "team").get(pk=project.pk)
        if locked.is_archived:
            raise ArchivedError(project)
        if why := why_paused(locked):
            raise PausedError(why)
        if not request.allow_duplicate:
            _refuse_duplicate(project, request, format_, key)
        now = clock.now()
        seconds = kind.deadline.total_seconds() if request.adopt else SUBMIT_DEADLINE_SECONDS
        # The same job again: what the provider's file has noted about it still holds.
        same_job = retry_of if retry_of is not None and request.adopt == retry_of.remote_id != "" else None
        export = Export.objects.create(
            team_id=project.team_id,
            project=project,
            user=requester.user,
            trigger=requester.trigger,
            schedule=requester.schedule,
            retry_of=retry_of,
            type=kind.type,
            format=format_,
            options=options,
            options_key=key,
            remote_id=request.adopt,
            baseline=same_job.baseline if same_job else {},
            memo=same_job.memo if same_job else {},
            step=states.POLL if request.adopt else states.SUBMIT,
            created_at=now,
            next_step_at=now,
            deadline_at=clock.seconds_from_now(seconds),
        )
        fetches_again = bool(request.adopt) and requester.trigger == "retry"
        note = f"Following job {request.adopt}." if request.adopt else ""
        if fetches_again:
            note = f"Fetching the file of job {request.adopt} again; nothing is requested."
        if retry_of is not None:
            same = "Retry of" if retry_of.status == states.FAILED or request.adopt else "Same as"
            note = f"{note} {same} #{retry_of.pk}.".strip()
        actor = requester.actor or requester.user.email
        Change.append(export, None, source=requester.source, actor=actor, at=now, note=note)
        if requester.source in audit_log.AUDITED_SOURCES:
            verb = {"retry": "retried", "adopt": "adopted"}.get(requester.trigger, "asked for")
            if retry_of is not None and verb == "retried" and retry_of.status != states.FAILED:
                verb = "ran again"
            verb = "fetched again" if fetches_again else verb
            what = f"{same.lower()} #{retry_of.pk}" if retry_of is not None else ""
            audit_log.record_event(
                export.team_id, requester.actor or requester.user, verb, audit_log.describe_export(export), what
            )
        wakeup.wake_after_commit()
    if log_ids.is_bound():
        # The one line that has both ids: from the request that a person can name to the tasks and calls of the export.
        with log_ids.bound(export=export.pk):
            log.info("Export %s was requested.", export.pk)
    return export


def create_export_once(
    key: str, member: Member, project: Project, request: ExportRequest, requester: Requester
) -> Export:
    """As `create_export`; repeating the request with the same idempotency key returns the same export.

    Raises ConflictError when the member used the key for another request.
    """
    fields = [request.type, request.format, request.options, request.confirm, request.adopt, request.allow_duplicate]
    digest = hashlib.sha256(json.dumps([project.pk, *fields], sort_keys=True, default=str).encode()).hexdigest()
    with transaction.atomic():
        Member.objects.select_for_update().get(pk=member.pk)
        used = IdempotencyKey.objects.filter(member=member, key=key).select_related("export").first()
        if used is None:
            export = create_export(project, request, requester)
            IdempotencyKey.objects.create(member=member, key=key, digest=digest, export=export)
            return export
    if used.digest != digest:
        raise ConflictError("This Idempotency-Key was used for another request. Use a new key.")
    return used.export


def hash_options(options: Mapping[str, Any]) -> str:
    """Returns a hash of the options that does not depend on the order of the keys."""
    return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()


def _refuse_duplicate(project: Project, request: ExportRequest, format_: str, key: str) -> None:
    """Raises DuplicateError when an open export of the project has the same job, or the same format and options."""
    same = {"remote_id": request.adopt} if request.adopt else {"format": format_, "options_key": key}
    duplicates = Export.objects.open().filter(project=project, type=request.type, **same)
    if (duplicate_pk := duplicates.values_list("pk", flat=True).first()) is not None:
        raise DuplicateError(duplicate_pk)


def validate_request(project: Project, request: ExportRequest) -> tuple[Kind, dict[str, Any]]:
    """Returns the kind and the cleaned options. Raises InvalidError with every problem at once."""
    try:
        provider = project.provider
    except NotInstalledError as error:
        raise InvalidError({"type": [str(error)]}) from None
    kind = provider.kind(request.type)
    if kind is None:
        types = ", ".join(kind.type for kind in provider.kinds)
        raise InvalidError({"type": [f"{provider.label} has no export of this type. It has: {types}."]})
    errors: dict[str, list[str]] = {}
    if request.format and request.format not in kind.formats:
        errors["format"] = [f"This export comes as: {', '.join(kind.formats)}."]
    if kind.effect == "changes" and not request.confirm and not request.adopt:
        errors["confirm"] = [f"{kind.label} changes the project at {provider.label}. Confirm it with confirm: true."]
    if request.adopt and not is_valid_remote_id(request.adopt):
        errors["adopt"] = ["The job's id has 1 to 200 characters, without / ? #."]
    options, problems = clean_options(kind, request.options, request.options_form)
    errors |= problems
    if not problems:
        for name, texts in provider.option_problems(kind, options, project.credential.dialect).items():
            errors[f"options.{name}"] = texts
    if errors and not (request.adopt and set(errors) == {name for name in errors if name.startswith("options.")}):
        raise InvalidError(errors)
    return kind, options


def clean_options(
    kind: Kind, raw_options: Mapping[str, Any], form: forms.BaseForm | None = None
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Returns the options to store (only those that are set), and the problems by field.

    `form`: the kind's form, bound to `raw_options`. A form validates once, however often it is asked.
    """
    if not isinstance(form, kind.options):
        form = kind.options(data={name: value for name, value in raw_options.items() if value is not None})
    errors = {
        f"options.{name}": [f"Unknown option. This export takes: {', '.join(form.fields) or 'no options'}."]
        for name in raw_options
        if name not in form.fields
    }
    if not form.is_valid():
        for name, texts in form.errors.items():
            field_name = "options" if name == NON_FIELD_ERRORS else f"options.{name}"
            errors[field_name] = [str(text) for text in texts]
    cleaned = {
        name: value
        for name, value in form.cleaned_data.items()
        if name in raw_options and value not in (None, "", [], {})
    }
    return cleaned, errors
