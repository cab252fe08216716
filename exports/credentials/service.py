"""Creating credentials and projects, and the calls about them that a page waits for."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction

from exports import clock
from exports.audit import log as audit_log
from exports.credentials import refusals
from exports.credentials.bulkhead import provider_call_slot
from exports.credentials.client import address_guard, open_client, retry_with_fresh_token
from exports.crypto import CryptoError
from exports.errors import ConflictError, InvalidError
from exports.models import Credential, Project, Schedule, Team, User
from exports.models.export import OPEN
from exports.providers.contract import CheckStep, Job, PreflightResult, Provider, RemoteProject
from exports.providers.project_ids import clean_project_id
from exports.providers.registry import PROVIDERS
from exports.queue import rate_usage
from exports.transport.errors import AddressError, BusyError, ProviderError

MAX_NAME_LENGTH: Final = 200
MAX_CREDENTIAL_NAME_LENGTH: Final = 100
CREDENTIAL_NAME_RULE: Final = f"A name has 1 to {MAX_CREDENTIAL_NAME_LENGTH} characters."
CREDENTIAL_NAME_TAKEN: Final = "The team has a credential of this name. Choose another."


@dataclass(frozen=True)
class CredentialCheck:
    """The result of testing a credential: `detail` is a sentence for a person, `steps` what was tested."""

    ok: bool
    detail: str
    steps: tuple[CheckStep, ...]


def create_credential(
    team: Team,
    user: User | None,
    *,
    provider: str,
    name: str,
    secrets: Mapping[str, Any],
    origin: str = "",
    dialect: str = "",
) -> Credential:
    """Creates a credential and encrypts its secrets. Raises InvalidError. Never calls the provider."""
    errors: dict[str, list[str]] = {}
    definition = PROVIDERS.get(provider)
    if definition is None:
        raise InvalidError({"provider": [f"Choose one of: {', '.join(PROVIDERS)}."]})
    if not name.strip() or len(name) > MAX_CREDENTIAL_NAME_LENGTH:
        errors["name"] = [CREDENTIAL_NAME_RULE]
    if any(not isinstance(value, str) for value in secrets.values()):
        errors |= {f"secrets.{key}": ["Give a text."] for key, value in secrets.items() if not isinstance(value, str)}
    else:
        non_empty = {key: value for key, value in secrets.items() if value != ""}
        errors |= {f"secrets.{key}": texts for key, texts in definition.secret_problems(non_empty).items()}
    if not origin and not definition.origins:
        errors["origin"] = [f"Give the address. {definition.address_help}".rstrip()]
    elif origin and origin not in definition.origins:
        try:
            parts = address_guard().check(origin)
            if parts.query or parts.fragment:
                raise AddressError("An origin ends before ? and #.")
        except AddressError as error:
            others = [f"Or choose one of: {', '.join(definition.origins)}."] if definition.origins else []
            errors["origin"] = [error.message, *others]
    if dialect and dialect not in definition.dialects:
        errors["dialect"] = [f"Choose one of: {', '.join(definition.dialects) or 'none; leave it out'}."]
    if errors:
        raise InvalidError(errors)
    try:
        with transaction.atomic():
            credential = Credential.objects.create(
                team=team,
                provider=provider,
                name=name.strip(),
                origin=origin.rstrip("/"),
                dialect=dialect or next(iter(definition.dialects), ""),
                created_by=user,
            )
            credential.save_secrets(non_empty)
            audit_log.record_event(team, user, "added", describe_credential(credential))
    except IntegrityError:
        raise InvalidError({"name": [CREDENTIAL_NAME_TAKEN]}) from None
    return credential


def check_credential(credential: Credential) -> CredentialCheck:
    """Tests a credential at the provider, in named steps. A failure is in the result, not raised."""
    try:
        with provider_call_slot(credential.team_id):
            return _check(credential)
    except BusyError as error:  # from the bulkhead; `_check` handles the provider's errors
        return CredentialCheck(False, error.message, (CheckStep("Connect", False, error.message),))


def _check(credential: Credential) -> CredentialCheck:
    steps: tuple[CheckStep, ...] = ()
    try:
        with open_client(credential) as client:
            steps = tuple(retry_with_fresh_token(client, lambda: credential.provider_definition.check(client)))
        failed = next((step for step in steps if not step.ok), None)
        check = CredentialCheck(failed is None, failed.detail if failed else "The credential works.", steps)
        rate_usage.learn_limits(credential, {name: number for step in steps for name, number in step.limits.items()})
    except (ProviderError, CryptoError) as error:
        text = error.message if isinstance(error, ProviderError) else str(error)
        check = CredentialCheck(False, text, (*steps, CheckStep("Connect", False, text)))
    if check.ok:
        refusals.record_accepted(credential, checked_at=clock.now())
    else:
        refusals.record_refused(credential, check.detail, checked_at=clock.now())
    return check


def list_remote_projects(credential: Credential) -> Sequence[RemoteProject]:
    """Returns the projects that the provider lists. Raises ProviderError, CryptoError."""
    with provider_call_slot(credential.team_id), open_client(credential) as client:
        return retry_with_fresh_token(client, lambda: credential.provider_definition.projects(client))


def list_option_choices(project: Project, option: str, seconds: float | None = None) -> Sequence[tuple[str, str]]:
    """Returns an option's choices (value, label) as the provider lists them, within `seconds` if given.

    Raises ProviderError, CryptoError.
    """
    with provider_call_slot(project.team_id), open_client(project.credential) as client:
        client.give_up_at = None if seconds is None else time.monotonic() + seconds
        return retry_with_fresh_token(
            client, lambda: project.credential.provider_definition.choices(client, project.remote_id, option)
        )


def preflight(project: Project, type_: str, options: Mapping[str, Any]) -> Sequence[PreflightResult]:
    """Asks the provider whether an export would work, as advice for a form. Raises ProviderError, CryptoError."""
    job = Job(project=project.remote_id, type=type_, options=options, dialect=project.credential.dialect)
    with provider_call_slot(project.team_id), open_client(project.credential) as client:
        return retry_with_fresh_token(client, lambda: project.credential.provider_definition.preflight(client, job))


def create_project(credential: Credential, user: User | None, *, remote_id: str, name: str = "") -> Project:
    """Creates a project that is reached with a credential, or brings an archived one back under its old number.

    `remote_id` is the project's id at the provider, or the address of its page there. Never calls the provider.

    Raises InvalidError, and ConflictError where the credential was deleted.
    """
    if credential.deleted_at is not None:
        raise ConflictError("Its credential was deleted. Add the project again, with another credential.")
    remote_id = _check_project(credential, remote_id, name)
    with_credential = f"with {describe_credential(credential)}"
    try:
        with transaction.atomic():
            archived = Project.objects.select_for_update(of=("self",)).filter(
                credential=credential, remote_id=remote_id, archived_at__isnull=False
            )
            if (project := archived.select_related("credential", "team").first()) is not None:
                project.archived_at = None
                project.name = name.strip() or project.name
                project.save(update_fields=["archived_at", "name"])
                audit_log.record_event(project.team_id, user, "brought back", f"project {project}", with_credential)
                return project
            project = Project.objects.create(
                team=credential.team, credential=credential, created_by=user, remote_id=remote_id, name=name.strip()
            )
            audit_log.record_event(project.team_id, user, "added", f"project {project}", with_credential)
            return project
    except IntegrityError:
        raise InvalidError({"remote_id": ["This credential has this project already."]}) from None


def _check_project(credential: Credential, remote_id: str, name: str = "") -> str:
    """Returns the normalised id. Raises InvalidError with every problem at once."""
    errors: dict[str, list[str]] = {}
    try:
        remote_id = parse_remote_id(credential.provider_definition, remote_id)
    except InvalidError as error:
        errors = error.errors
    if len(name) > MAX_NAME_LENGTH:
        errors["name"] = [f"A name has at most {MAX_NAME_LENGTH} characters."]
    if errors:
        raise InvalidError(errors)
    return remote_id


def parse_remote_id(provider: Provider, text: str) -> str:
    """Returns the project's id from an id or the project's address at the provider. Raises InvalidError."""
    try:
        return clean_project_id(
            text,
            provider.project_id,
            label=provider.label,
            help_=provider.project_help,
            address_pattern=provider.project_pattern,
        )
    except ValueError as error:
        raise InvalidError({"remote_id": [str(error)]}) from None


def correct_project_id(project: Project, user: User | None, remote_id: str) -> None:
    """Corrects the id at the provider, while nothing was exported. Raises InvalidError, ConflictError.

    Afterwards it stays: the history would say of one project what happened to another.
    """
    remote_id, before = _check_project(project.credential, remote_id), project.remote_id
    try:
        with transaction.atomic():
            # `create_export` takes the same lock.
            Project.objects.select_for_update().get(pk=project.pk)
            if remote_id == before:
                return
            if project.export_set.exists():
                raise ConflictError(
                    f"{project} has exports, whose history tells of {before}, so its id stays. Archive it, and add the"
                    " right project."
                )
            Project.objects.filter(pk=project.pk).update(remote_id=remote_id)
            project.remote_id = remote_id
            audit_log.record_event(project.team_id, user, "corrected", f"project {project}", f"was {before}")
    except IntegrityError:
        raise InvalidError({"remote_id": ["This credential has this project already, maybe archived."]}) from None


def archive_project(project: Project, user: User | None) -> None:
    """Takes a project out of lists and forms; its exports and their history stay. `create_project` brings it back.

    Raises ConflictError while an export is open, which would otherwise go on unseen.
    """
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=project.pk)
        if locked.is_archived:
            return
        numbers = list(project.export_set.filter(status__in=OPEN).order_by("pk").values_list("pk", flat=True)[:5])
        if numbers:
            named = ", ".join(map(str, numbers))
            if len(numbers) == 1:
                raise ConflictError(f"Export {named} is open. Wait until it has ended, or cancel it; then archive.")
            raise ConflictError(f"Exports {named} are open. Wait until they have ended, or cancel them; then archive.")
        project.archived_at = clock.now()
        project.save(update_fields=["archived_at"])
        schedules = Schedule.objects.select_for_update(of=("self",)).select_related("project", "team")
        for schedule in schedules.filter(project=project, enabled=True):
            schedule.disable("Its project is archived.")
        audit_log.record_event(project.team_id, user, "archived", f"project {project}")


def rename_project(project: Project, user: User | None, name: str) -> None:
    """Renames a project; with an empty name it is shown by its id. Raises InvalidError."""
    name, before = name.strip(), str(project)
    if len(name) > MAX_NAME_LENGTH:
        raise InvalidError({"name": [f"A name has at most {MAX_NAME_LENGTH} characters."]})
    if name == project.name:
        return
    with transaction.atomic():
        Project.objects.filter(pk=project.pk).update(name=name)
        project.name = name
        audit_log.record_event(project.team_id, user, "renamed", f"project {project}", f"was {before}")


def rename_credential(credential: Credential, user: User | None, name: str) -> None:
    """Renames a credential. Raises InvalidError."""
    name, before = name.strip(), describe_credential(credential)
    if not name or len(name) > MAX_CREDENTIAL_NAME_LENGTH:
        raise InvalidError({"name": [CREDENTIAL_NAME_RULE]})
    if name == credential.name:
        return
    try:
        with transaction.atomic():
            Credential.objects.filter(pk=credential.pk).update(name=name)
            credential.name = name
            audit_log.record_event(
                credential.team_id, user, "renamed", describe_credential(credential), f"was {before}"
            )
    except IntegrityError:
        raise InvalidError({"name": [CREDENTIAL_NAME_TAKEN]}) from None


def describe_credential(credential: Credential) -> str:
    """Returns the name of a credential in the audit log."""
    return f"credential {credential.name} ({credential.provider})"
