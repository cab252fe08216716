"""New secrets for a credential: tried first, with nothing stored, and swapped in when they work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from exports import clock, states
from exports.audit import log as audit_log
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
    """What hangs on a credential. `open_exports` go on with whatever secrets it then has."""

    projects: int
    open_exports: int
    last_good: datetime | None


@dataclass
class CandidateSecrets:
    """Secrets in memory, and the token that was fetched with them (with the secrets that changed with it)."""

    secrets: dict[str, str] = field(repr=False)
    grant: Grant | None = None

    def fetch_grant(self, client: Client) -> Grant:
        """A token for these secrets; nobody else has them yet, so nobody else can be fetching one."""
        self.grant = client.provider.fetch_token(client)
        return self.grant


def dependents(credential: Credential) -> Dependents:
    """What would feel it when its secrets change or go, in three queries."""
    moving = Export.objects.open().filter(team=credential.team_id, project__credential=credential)
    found = last_good_times(credential).first()
    return Dependents(credential.project_set.count(), moving.count(), found["good"] if found else None)


def last_good_times(credential: Any) -> QuerySet[Any, Any]:
    """Rows, the first of whose `good` is when the latest good export of the credential ended.

    Through its projects, of which there are few: each one's latest is found by an index, however many there are.
    """
    latest = Export.objects.filter(project=OuterRef("pk"), status=states.SUCCEEDED).order_by("-pk")
    rows = Project.objects.filter(credential=credential).annotate(good=Subquery(latest.values("finished_at")[:1]))
    return rows.order_by(F("good").desc(nulls_last=True)).values("good")


def check_secrets(credential: Credential, secrets: Mapping[str, str]) -> CredentialCheck:
    """Tests secrets for a credential at the provider without storing them. A failure is an answer, not an error."""
    return _check(credential, CandidateSecrets(dict(secrets)))


def replace_secrets(
    credential: Credential, user: User | None, secrets: Mapping[str, str], *, force: bool = False
) -> tuple[CredentialCheck, bool]:
    """Tests new secrets and, if they work, seals them over the old; fields left empty stay.

    `anyway`: seals them whatever the test says. Returns what it said, and whether they were swapped. Raises
    InvalidError, and leaves the old ones as they are whenever it does not swap.
    """
    given = {name: value for name, value in secrets.items() if value}
    secrets, whole = _merged(credential, given)
    trial = CandidateSecrets(secrets)
    verdict = _check(credential, trial)
    if not verdict.ok and not force:
        return verdict, False
    with transaction.atomic():
        row = Credential.objects.select_for_update().get(pk=credential.pk)
        if whole:
            row.encrypted_secrets = {}
        # A provider that rotates has given others for those that were typed; the typed ones are void by now.
        row.save_secrets({**given, **(trial.grant.secrets if trial.grant else {})})
        row.save_grant(trial.grant)
        last_error = "" if verdict.ok else verdict.detail[:500]
        Credential.objects.filter(pk=row.pk).update(last_error=last_error, checked_at=clock.now())
        how = "tested first" if verdict.ok else f"though the test failed: {verdict.detail}"
        audit_log.record_event(
            row.team_id, user, "replaced secrets", describe_credential(row), f"{', '.join(sorted(given))}; {how}"
        )
    credential.refresh_from_db()
    return verdict, True


def _merged(credential: Credential, given: Mapping[str, str]) -> tuple[dict[str, str], bool]:
    """The secrets as they would be, and whether the new ones stand alone, without any old one. Raises InvalidError."""
    if not given:
        raise InvalidError({"secrets": ["Type what is new; fields that are left empty stay as they are."]})
    try:
        merged = {**credential.secrets(), **given}
    except CryptoError:
        # The old ones cannot be opened any more; that is a reason to replace them, all of them.
        merged = dict(given)
    problems = credential.provider_definition.secret_problems(merged)
    # A provider may take one set of fields or another; a whole other set does not mix with the old one.
    if problems and credential.provider_definition.secret_problems(given):
        raise InvalidError({f"secrets.{name}": texts for name, texts in problems.items()})
    return (dict(given), True) if problems or merged == given else (merged, False)


def _check(credential: Credential, trial: CandidateSecrets) -> CredentialCheck:
    steps: tuple[CheckStep, ...] = ()
    calls: list[Call] = []

    def record(call: CallRecord) -> None:
        calls.append(call_row(call, None, credential))

    client = Client(
        provider=credential.provider_definition,
        origin=credential.origin_url,
        secrets=trial.secrets,
        guard=address_guard(),
        dialect=credential.dialect,
        record_call=record,
        get_grant=trial.fetch_grant,
    )
    try:
        with provider_call_slot(credential.team_id):
            steps = tuple(retry_with_fresh_token(client, lambda: credential.provider_definition.check(client)))
        bad = next((step for step in steps if not step.ok), None)
        return CredentialCheck(bad is None, bad.detail if bad else "The new secrets work.", steps)
    except ProviderError as error:
        return CredentialCheck(False, error.message, (*steps, CheckStep("Connect", False, error.message)))
    finally:
        Call.objects.bulk_create(calls)
        Credential.objects.filter(pk=credential.pk).update(used_at=timezone.now())
