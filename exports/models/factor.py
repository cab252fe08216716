"""The secrets of second factors in allauth's table: which rows hold one, and their re-encryption."""

from collections.abc import Iterator
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from exports.crypto import CryptoError, decrypt, encrypt, key_id

ASSOCIATED_DATA: Final = "second factor"
# The row of a passkey holds only public data.
SECRET_FIELDS: Final = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


def rows_with_secrets() -> QuerySet[Authenticator]:
    """The rows that hold a secret."""
    return Authenticator.objects.filter(type__in=list(SECRET_FIELDS)).order_by("pk")


def decryption_problems() -> Iterator[str]:
    """A sentence for each row that the key ring cannot decrypt."""
    for row in rows_with_secrets().iterator():
        try:
            decrypt(str(row.data[SECRET_FIELDS[Authenticator.Type(row.type)]]), ASSOCIATED_DATA)
        except CryptoError as error:
            yield f"Second factor {row.pk}: {error}"


def reencrypt(pk: int, primary_key_id: str) -> int:
    """Encrypts a row's secret with the first key of the ring. Returns 1, or 0 if it was already. Raises CryptoError."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        field = SECRET_FIELDS[Authenticator.Type(row.type)] if row else ""
        if row is None or key_id(str(row.data[field])) == primary_key_id:
            return 0
        row.data[field] = encrypt(decrypt(str(row.data[field]), ASSOCIATED_DATA), ASSOCIATED_DATA)
        row.save(update_fields=["data"])
    return 1
