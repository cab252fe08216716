"""Sealing every secret anew with the first key of the ring, while everything runs."""

from dataclasses import dataclass, field

from django.db import transaction

from exports.crypto import CryptoError, key_id, key_ring
from exports.models import Credential, Export, factor


@dataclass
class RekeyResult:
    """What was sealed anew, and what could not be opened (a sentence each)."""

    credentials: int = 0
    links: int = 0
    factors: int = 0
    problems: list[str] = field(default_factory=list)


def rekey_secrets() -> RekeyResult:
    """Re-seals what another key than the first has sealed; what is done already is left, so it may be run again.

    Each row is locked for a moment, so a token that a worker renews meanwhile is not lost. Raises SealError without
    a key.
    """
    first = key_ring().primary_key_id
    if not first:
        raise CryptoError("There is no key to seal secrets with. Set CREDENTIAL_KEYS.")
    done = RekeyResult()
    for pk in Credential.objects.order_by("pk").values_list("pk", flat=True):
        try:
            done.credentials += _credential(pk, first)
        except CryptoError as error:
            done.problems.append(f"Credential {pk}: {error}")
    for export in Export.objects.exclude(encrypted_link="").order_by("pk").iterator(chunk_size=500):
        try:
            done.links += _link(export, first)
        except CryptoError as error:
            done.problems.append(f"Export {export.pk}: {error}")
    for pk in factor.rows_with_secrets().values_list("pk", flat=True):
        try:
            done.factors += factor.reencrypt(pk, first)
        except CryptoError as error:
            done.problems.append(f"Second factor {pk}: {error}")
    return done


def _credential(pk: int, first: str) -> int:
    with transaction.atomic():
        row = Credential.objects.select_for_update().filter(pk=pk).first()
        if row is None or all(
            key_id(value) == first for value in [*row.encrypted_secrets.values(), row.encrypted_grant] if value
        ):
            return 0
        row.reencrypt()
    return 1


def _link(export: Export, first: str) -> int:
    if key_id(export.encrypted_link) == first:
        return 0
    # The link may have been replaced meanwhile, or its export have ended.
    rows = Export.objects.filter(pk=export.pk, encrypted_link=export.encrypted_link)
    return rows.update(encrypted_link=export.encrypt_link(export.decrypt_link()))
