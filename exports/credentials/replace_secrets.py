"""Replacing the secrets of a credential: new ones are tested in memory, and stored only when they work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from exports import clock, states
from exports.audit import log as audit_log
from exports.credentials import refusals
from exports.credentials.bulkhead import provider_call_slot
from exports.credentials.client import address_guard, call_row, retry_with_fresh_token
from exports.credentials.service import CredentialCheck, describe_credential
from exports.crypto import CryptoError
from exports.errors import InvalidError
from exports.models import Call, Credential, Export, Project, User
from exports.providers.contract import CheckStep
from exports.transport.client import CallRecord, Client
from exports.transport.errors import ProviderError
from exports.transport.provider_api import Grant


@dataclass(frozen=True)
class Dependents:
    """What depends on a credential. `open_exports` continue with the secrets it has at each step."""

    projects: int
    open_exports: int
    last_good: datetime | None


@dataclass
class CandidateSecrets:
    """Secrets that are not stored yet, and the token fetched with them (with the secrets that rotated with it)."""

    secrets: dict[str, str] = field(repr=False)
    grant: Grant | None = None

    def fetch_grant(self, client: Client) -> Grant:
        """Fetches a token. No lock is needed, because no other process has these secrets yet."""
        self.grant = client.provider.fetch_token(client)
        return self.grant


def dependents(credential: Credential) -> Dependents:
    """Returns what depends on the credential, in three queries."""
    open_exports = Export.objects.open().filter(team=credential.team_id, project__credential=credential)
    latest = last_good_times(credential).first()
    return Dependents(credential.project_set.count(), open_exports.count(), latest["good"] if latest else None)


def last_good_times(credential: Any) -> QuerySet[Any, Any]:
    """Returns one row per project; `good` is when its latest successful export ended, the latest first.

    A credential has few projects, and an index finds the latest export of each, however many exports there are.
    """
    latest = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    rows = Project.objects.filter(credential=credential).annotate(good=Subquery(latest.values("finished_at")[:1]))
    return rows.order_by(F("good").desc(nulls_last=True)).values("good")


def check_secrets(credential: Credential, secrets: Mapping[str, str]) -> CredentialCheck:
    """Tests secrets at the provider without storing them. A failure is in the result, not raised."""
    return _check(credential, CandidateSecrets(dict(secrets)))


def replace_secrets(
    credential: Credential, user: User | None, secrets: Mapping[str, str], *, force: bool = False
) -> tuple[CredentialCheck, bool]:
    """Tests new secrets and stores them if they work; fields left empty keep their secrets.

    `force`: stores them whatever the test says. Returns the test's result, and whether the secrets were replaced; if
    not, the old ones stay unchanged. Raises InvalidError.
    """
    new_secrets = {name: value for name, value in secrets.items() if value}
    merged, replaces_all = _merge(credential, new_secrets)
    candidate = CandidateSecrets(merged)
    check = _check(credential, candidate)
    if not check.ok and not force:
        return check, False
    with transaction.atomic():
        row = Credential.objects.select_for_update().get(pk=credential.pk)
        if replaces_all:
            row.encrypted_secrets = {}
        # Where refresh tokens rotate, the test has used up the typed one, and the grant has its successor.
        row.save_secrets({**new_secrets, **(candidate.grant.secrets if candidate.grant else {})})
        row.save_grant(candidate.grant)
        if check.ok:
            refusals.record_accepted(row, checked_at=clock.now())
        else:
            refusals.record_refused(row, check.detail, checked_at=clock.now())
        how = "tested first" if check.ok else f"though the test failed: {check.detail}"
        audit_log.record_event(
            row.team_id, user, "replaced secrets", describe_credential(row), f"{', '.join(sorted(new_secrets))}; {how}"
        )
    credential.refresh_from_db()
    return check, True


def _merge(credential: Credential, new_secrets: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """Returns the secrets after the replacement, and whether no old secret stays among them. Raises InvalidError."""
    if not new_secrets:
        raise InvalidError({"secrets": ["Enter what is new. Leave a field empty to keep it."]})
    try:
        merged = {**credential.secrets(), **new_secrets}
    except CryptoError:
        # The old secrets cannot be decrypted any more, so all of them must be replaced.
        merged = dict(new_secrets)
    problems = credential.provider_definition.secret_problems(merged)
    # A provider may accept alternative sets of fields; a complete new set replaces the old one, it is not merged.
    if problems and credential.provider_definition.secret_problems(new_secrets):
        raise InvalidError({f"secrets.{name}": texts for name, texts in problems.items()})
    return (dict(new_secrets), True) if problems or merged == new_secrets else (merged, False)


def _check(credential: Credential, candidate: CandidateSecrets) -> CredentialCheck:
    steps: tuple[CheckStep, ...] = ()
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, None, credential))

    client = Client(
        provider=credential.provider_definition,
        origin=credential.origin_url,
        secrets=candidate.secrets,
        guard=address_guard(),
        dialect=credential.dialect,
        record_call=record,
        get_grant=candidate.fetch_grant,
    )
    try:
        with provider_call_slot(credential.team_id):
            steps = tuple(retry_with_fresh_token(client, lambda: credential.provider_definition.check(client)))
        failed = next((step for step in steps if not step.ok), None)
        return CredentialCheck(failed is None, failed.detail if failed else "The new secrets work.", steps)
    except ProviderError as error:
        return CredentialCheck(False, error.message, (*steps, CheckStep("Connect", False, error.message)))
    finally:
        Call.objects.bulk_create(calls)
        Credential.objects.filter(pk=credential.pk).update(used_at=timezone.now())
