"""Re-encrypts every secret with the first key of the key ring, while the portal runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction

from exports.crypto import CryptoError, key_id, key_ring
from exports.models import Alert, Credential, Export, Webhook, factor

CHUNK_ROWS: Final = 500


@dataclass
class RekeyResult:
    """The numbers of re-encrypted rows, and a sentence for each row that could not be decrypted."""

    credentials: int = 0
    links: int = 0
    factors: int = 0
    alerts: int = 0
    webhooks: int = 0
    problems: list[str] = field(default_factory=list)


def rekey_secrets() -> RekeyResult:
    """Re-encrypts what another key than the first one encrypted. It skips what is done, so it may be run again.

    Each row is locked while it is re-encrypted, so a token that a worker renews meanwhile is not lost. Raises
    CryptoError when the ring is empty.
    """
    primary = key_ring().primary_key_id
    if not primary:
        raise CryptoError("There is no key to seal secrets with. Set CREDENTIAL_KEYS.")
    result = RekeyResult()
    for pk in Credential.objects.order_by("pk").values_list("pk", flat=True):
        try:
            result.credentials += _rekey_credential(pk, primary)
        except CryptoError as error:
            result.problems.append(f"Credential {pk}: {error}")
    for export in _exports_with_links():
        try:
            result.links += _rekey_link(export, primary)
        except CryptoError as error:
            result.problems.append(f"Export {export.pk}: {error}")
    for pk in Alert.objects.order_by("pk").values_list("pk", flat=True):
        try:
            result.alerts += _rekey_row(Alert, pk, primary)
        except CryptoError as error:
            result.problems.append(f"Alert {pk}: {error}")
    for pk in Webhook.objects.order_by("pk").values_list("pk", flat=True):
        try:
            result.webhooks += _rekey_row(Webhook, pk, primary)
        except CryptoError as error:
            result.problems.append(f"Webhook {pk}: {error}")
    for pk in factor.rows_with_secrets().values_list("pk", flat=True):
        try:
            result.factors += factor.reencrypt(pk, primary)
        except CryptoError as error:
            result.problems.append(f"Second factor {pk}: {error}")
    return result


def _exports_with_links() -> Iterator[Export]:
    """Yields the exports with an encrypted link, read in chunks by primary key.

    A server-side cursor (`.iterator()`) would need one connection for the whole loop, which pgbouncer in transaction
    mode does not give.
    """
    last_pk = 0
    while chunk := list(Export.objects.exclude(encrypted_link="").filter(pk__gt=last_pk).order_by("pk")[:CHUNK_ROWS]):
        yield from chunk
        last_pk = chunk[-1].pk


def _rekey_credential(pk: int, primary: str) -> int:
    """Returns 1 if the credential was re-encrypted, else 0. Raises CryptoError."""
    with transaction.atomic():
        row = Credential.objects.select_for_update().filter(pk=pk).first()
        if row is None or all(
            key_id(value) == primary for value in [*row.encrypted_secrets.values(), row.encrypted_grant] if value
        ):
            return 0
        row.reencrypt()
    return 1


def _rekey_row(model: type[Alert] | type[Webhook], pk: int, primary: str) -> int:
    """Returns 1 if the row was re-encrypted, else 0. Raises CryptoError."""
    with transaction.atomic():
        row = model.objects.select_for_update().filter(pk=pk).first()
        if row is None or all(key_id(value) == primary for value in row.encrypted_values()):
            return 0
        row.reencrypt()
    return 1


def _rekey_link(export: Export, primary: str) -> int:
    """Returns 1 if the link was re-encrypted, else 0. Raises CryptoError."""
    if key_id(export.encrypted_link) == primary:
        return 0
    # Compare and swap: the link may have been replaced meanwhile, or its export may have ended.
    rows = Export.objects.filter(pk=export.pk, encrypted_link=export.encrypted_link)
    return rows.update(encrypted_link=export.encrypt_link(export.decrypt_link()))
