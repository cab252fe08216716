"""A client for a credential: its secrets opened, its token shared, its calls recorded."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings
from django.utils import timezone

from exports import clock
from exports.models import Call, Credential, Export
from exports.queue import circuit_breaker, rate_limits
from exports.queue.batch_sql import insert_many
from exports.transport.client import CallRecord, Client
from exports.transport.connections import shared_session
from exports.transport.errors import BusyError, CredentialError, ProviderError
from exports.transport.provider_api import Grant
from exports.transport.redact import redact_in
from exports.transport.ssrf import AddressGuard

TOKEN_LOCK_SECONDS = 30.0
USED_AT_RESOLUTION_SECONDS = 30.0
T = TypeVar("T")


def address_guard() -> AddressGuard:
    """The rule for addresses, with the exceptions that staff set (PRIVATE_HOSTS)."""
    return _guard(tuple(settings.PRIVATE_HOSTS))


@lru_cache(maxsize=8)
def _guard(hosts: tuple[str, ...]) -> AddressGuard:
    return AddressGuard.allowing(hosts)


def build_client(
    credential: Credential, record: Callable[[CallRecord], None], before_send: Callable[[], None] = lambda: None
) -> Client:
    """A client for the credential; `record` hears of each call. Raises SealError."""
    rule = address_guard()
    return Client(
        provider=credential.provider_definition,
        origin=credential.origin_url,
        secrets=credential.secrets(),
        guard=rule,
        dialect=credential.dialect,
        session=shared_session(f"{credential.pk}|{credential.origin_url}", rule),
        grant=credential.grant(),
        record_call=record,
        before_send=before_send,
        get_grant=lambda client: _fetch_grant(credential, client),
    )


@contextmanager
def open_client(
    credential: Credential, export: Export | None = None, before_send: Callable[[], None] = lambda: None
) -> Iterator[Client]:
    """A client for the credential while the block runs; what it called is recorded at the end. Raises SealError."""
    calls: list[CallRecord] = []
    try:
        yield build_client(credential, calls.append, before_send)
    finally:
        save_calls([(export, credential, call) for call in calls])
        if export is None:  # nobody drew a rate_slot for these
            rate_limits.count_unadmitted_calls(credential, len(calls))


def save_calls(made: Sequence[tuple[Export | None, Credential, CallRecord]]) -> None:
    """Writes what was called, who did not answer, and when which credential was last used (to half a minute)."""
    insert_many([call_row(call, export, credential) for export, credential, call in made])
    circuit_breaker.record_outcomes(
        [(credential.origin_url, export.pk if export else 0, call) for export, credential, call in made]
    )
    used = Credential.objects.filter(pk__in={credential.pk for _, credential, _ in made})
    used.exclude(used_at__gt=clock.seconds_from_now(-USED_AT_RESOLUTION_SECONDS)).update(used_at=timezone.now())


def call_row(call: CallRecord, export: Export | None, credential: Credential | None) -> Call:
    """A call as it is kept."""
    return Call(
        export=export,
        credential=credential,
        at=clock.seconds_from_now(-call.seconds),
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
    if (kept := _kept_grant(credential, client)) is not None:
        return kept
    until = clock.seconds_from_now(TOKEN_LOCK_SECONDS)
    free = Credential.objects.filter(pk=credential.pk).exclude(grant_locked_until__gt=clock.now())
    if not free.update(grant_locked_until=until):
        raise BusyError("Another step is fetching a token for this credential.", seconds=1, provider_status="token")
    try:
        # Once more: another may have fetched one, and voided the refresh token, between the look and the lock.
        if (grant := _kept_grant(credential, client)) is None:
            grant = credential.provider_definition.fetch_token(client)
            Credential.objects.get(pk=credential.pk).save_grant(grant)
    finally:
        Credential.objects.filter(pk=credential.pk, grant_locked_until=until).update(grant_locked_until=None)
    return grant


def _kept_grant(credential: Credential, client: Client) -> Grant | None:
    """The token that is kept now, if it can be used; the client gets the secrets of now."""
    row = Credential.objects.get(pk=credential.pk)
    client.secrets = row.secrets()
    kept = row.grant()
    return kept if kept and kept.token != client.rejected_token and kept.expires_at > time.time() + 60 else None


def retry_with_fresh_token(client: Client, call: Callable[[], T]) -> T:
    """The call; once more with a fresh token when the token it used was refused (a 401 executes nothing).

    Whatever a provider's method brings or raises passes here, so nothing behind it holds a secret of the credential.
    """
    try:
        try:
            found = call()
        except CredentialError as error:
            if not (error.renewable and client.grant is not None):
                raise
            client.forget_token()
            found = call()
    except ProviderError as error:
        error.message, error.provider_status = redact_in(
            client.values_to_redact(), (error.message, error.provider_status)
        )
        error.args = (error.message,)  # what a traceback shows
        raise
    return redact_in(client.values_to_redact(), found)


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
