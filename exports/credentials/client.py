"""The authenticated client of a credential: decrypts its secrets, shares its token, records its calls."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar

from django.conf import settings

from exports import clock
from exports.models import Call, Credential, Export
from exports.providers.contract import LISTS
from exports.queue import circuit_breaker, rate_limits
from exports.queue.deferred_calls import insert_calls
from exports.transport.client import CallRecord, Client
from exports.transport.connections import shared_session
from exports.transport.egress_proxy import EgressProxy
from exports.transport.errors import BusyError, CredentialError, ProviderError
from exports.transport.provider_api import Grant
from exports.transport.redact import redact_in
from exports.transport.ssrf import AddressGuard

TOKEN_LOCK_SECONDS = 30.0
USED_AT_RESOLUTION_SECONDS = 30.0
T = TypeVar("T")


def address_guard() -> AddressGuard:
    """Returns the address guard by the settings PRIVATE_HOSTS, EGRESS_PROXY and EXTRA_CA_FILE."""
    return _guard(tuple(settings.PRIVATE_HOSTS), settings.EGRESS_PROXY, settings.EXTRA_CA_FILE)


@lru_cache(maxsize=8)
def _guard(hosts: tuple[str, ...], proxy: EgressProxy | None, extra_ca_file: str) -> AddressGuard:
    return AddressGuard.allowing(hosts, proxy, extra_ca_file)


def build_client(
    credential: Credential, record: Callable[[CallRecord], None], before_send: Callable[[], None] = lambda: None
) -> Client:
    """Returns a client for the credential; `record` is called with each call. Raises CryptoError.

    `before_send` is called just before a request is sent.
    """
    guard = address_guard()
    return Client(
        provider=credential.provider_definition,
        origin=credential.origin_url,
        secrets=credential.secrets(),
        guard=guard,
        dialect=credential.dialect,
        session=shared_session(f"{credential.pk}|{credential.origin_url}", guard),
        grant=credential.grant(),
        record_call=record,
        before_send=before_send,
        get_grant=lambda client: _fetch_grant(credential, client),
    )


@contextmanager
def open_client(
    credential: Credential, export: Export | None = None, before_send: Callable[[], None] = lambda: None
) -> Iterator[Client]:
    """Provides a client for the credential, and saves its calls at the end. Raises CryptoError.

    Without an export it is for lists and checks. Raises BusyError where the provider's limit for them is used up.
    """
    if export is None and (seconds := rate_limits.admit_list(credential)) > 0:
        label = credential.provider_definition.label
        raise BusyError(f"{label} allows no more lists just now. Try again in {seconds:.0f} s.", seconds=seconds)
    calls: list[CallRecord] = []
    try:
        yield build_client(credential, calls.append, before_send)
    finally:
        save_calls([(export, credential, call) for call in calls])
        if export is None:  # no rate-limit slots were taken for these calls
            class_ = rate_limits.list_class(credential)
            taken = 1 if class_ == LISTS else 0
            rate_limits.count_unadmitted_calls(credential, max(len(calls) - taken, 0), class_)


def save_calls(calls: Sequence[tuple[Export | None, Credential, CallRecord]]) -> None:
    """Saves the calls, their outcomes for the circuit breaker, and when each credential was last used.

    `used_at` is updated at most every USED_AT_RESOLUTION_SECONDS.
    """
    insert_calls([call_row(call, export, credential) for export, credential, call in calls])
    circuit_breaker.record_outcomes(
        [(credential.origin_url, export.pk if export else 0, call) for export, credential, call in calls]
    )
    before = clock.seconds_from_now(-USED_AT_RESOLUTION_SECONDS)
    stale = {credential.pk for _, credential, _ in calls if credential.used_at is None or credential.used_at < before}
    if stale:
        Credential.objects.filter(pk__in=stale).update(used_at=clock.now())


def call_row(call: CallRecord, export: Export | None, credential: Credential | None) -> Call:
    """Returns the unsaved row of a call."""
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
    """Returns a token that was not refused yet: the stored one, else a new one from the provider.

    Only one process at a time fetches a token, because where refresh tokens rotate, two fetches would invalidate each
    other. The lock lasts TOKEN_LOCK_SECONDS, longer than the call may take. Raises BusyError while another process
    has the lock, ProviderError, CryptoError.
    """
    if (stored := _stored_grant(credential, client)) is not None:
        return stored
    until = clock.seconds_from_now(TOKEN_LOCK_SECONDS)
    unlocked = Credential.objects.filter(pk=credential.pk).exclude(grant_locked_until__gt=clock.now())
    if not unlocked.update(grant_locked_until=until):
        raise BusyError("Another step is fetching a token for this credential.", seconds=1, provider_status="token")
    try:
        # Check again: before the lock, another process may have fetched a token and so used up the refresh token.
        if (grant := _stored_grant(credential, client)) is None:
            grant = credential.provider_definition.fetch_token(client)
            Credential.objects.get(pk=credential.pk).save_grant(grant)
    finally:
        Credential.objects.filter(pk=credential.pk, grant_locked_until=until).update(grant_locked_until=None)
    return grant


def _stored_grant(credential: Credential, client: Client) -> Grant | None:
    """Returns the stored token if it was not refused and is valid for 60 s more. Reloads the client's secrets."""
    row = Credential.objects.get(pk=credential.pk)
    client.secrets = row.secrets()
    grant = row.grant()
    return grant if grant and grant.token != client.rejected_token and grant.expires_at > time.time() + 60 else None


def retry_with_fresh_token(client: Client, call: Callable[[], T]) -> T:
    """Makes the call, and repeats it once with a fresh token when its token was refused (a 401 executes nothing).

    Every result and every ProviderError of a provider's method passes through here, where the credential's secrets are
    redacted in it.
    """
    try:
        try:
            result = call()
        except CredentialError as error:
            if not (error.renewable and client.grant is not None):
                raise
            client.forget_token()
            result = call()
    except ProviderError as error:
        error.message, error.provider_status = redact_in(
            client.values_to_redact(), (error.message, error.provider_status)
        )
        error.args = (error.message,)  # what a traceback shows
        raise
    return redact_in(client.values_to_redact(), result)


def job_fields(export: Export) -> dict[str, Any]:
    """Returns the fields of `providers.contract.Job` that are known for every export."""
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
