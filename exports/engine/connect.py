"""A client for a credential: its secrets opened, its token shared, its calls recorded."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone

from exports.engine import clock
from exports.models import Call, Credential, Export
from exports.providers.base import Grant
from exports.providers.errors import BusyError, CredentialError
from exports.providers.guard import Guard
from exports.providers.http import CallRecord, Client, shared_session

LOCK_SECONDS = 30.0
T = TypeVar("T")


def guard() -> Guard:
    """The rule for addresses, with the exceptions that staff set (PRIVATE_HOSTS)."""
    return Guard.allowing(settings.PRIVATE_HOSTS)


@contextmanager
def connect(
    credential: Credential, export: Export | None = None, before_send: Callable[[], None] = lambda: None
) -> Iterator[Client]:
    """A client for the credential while the block runs; what it called is recorded at the end. Raises SealError."""
    records: list[Call] = []

    def record(call: CallRecord) -> None:
        records.append(as_row(call, export, credential))

    rule = guard()
    try:
        yield Client(
            provider=credential.declared,
            origin=credential.address,
            secrets=credential.secrets(),
            guard=rule,
            dialect=credential.dialect,
            session=shared_session(f"{credential.pk}|{credential.address}", rule),
            grant=credential.grant(),
            record=record,
            before_send=before_send,
            get_grant=lambda client: _fetch_grant(credential, client),
        )
    finally:
        Call.objects.bulk_create(records)
        Credential.objects.filter(pk=credential.pk).update(used_at=timezone.now())


def as_row(call: CallRecord, export: Export | None, credential: Credential | None) -> Call:
    """A call as it is kept."""
    return Call(
        export=export,
        credential=credential,
        at=clock.after(-call.seconds),
        method=call.method,
        url=call.url[:500],
        status=call.status,
        seconds=round(call.seconds, 3),
        error=call.error[:500],
        correlation=call.correlation,
    )


def _fetch_grant(credential: Credential, client: Client) -> Grant:
    """A token that was not refused yet: another process' newer one, else a new one, fetched by one process alone.

    Where refresh tokens rotate, two at once would void each other. The lock outlasts the call (TOKEN_SECONDS).
    """
    row = Credential.objects.get(pk=credential.pk)
    client.secrets = row.secrets()
    kept = row.grant()
    if kept and kept.token != client.refused and kept.expires_at > time.time() + 60:
        return kept
    until = clock.after(LOCK_SECONDS)
    free = Credential.objects.filter(pk=credential.pk).exclude(grant_lock__gt=clock.now())
    if not free.update(grant_lock=until):
        raise BusyError("Another step is fetching a token for this credential.", seconds=1, word="token")
    try:
        grant = credential.declared.authorise(client)
        row.keep_grant(grant)
    finally:
        Credential.objects.filter(pk=credential.pk, grant_lock=until).update(grant_lock=None)
    return grant


def with_fresh_token(client: Client, call: Callable[[], T]) -> T:
    """The call; once more with a fresh token when the token it used was refused (a 401 executes nothing)."""
    try:
        return call()
    except CredentialError as error:
        if not (error.renewable and client.grant is not None):
            raise
        client.forget_token()
        return call()


def job_fields(export: Export) -> dict[str, Any]:
    """What every look at the export's job needs to know."""
    return {
        "project": export.project.remote_id,
        "type": export.type,
        "format": export.format,
        "options": export.options,
        "remote_id": export.remote_id,
        "baseline": export.baseline,
        "memo": export.memo,
        "dialect": export.project.credential.dialect,
    }
