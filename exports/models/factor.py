"""Second factors' secrets at rest: which rows of allauth hold one, and sealing them anew."""

from collections.abc import Iterator
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from exports.crypto import CryptoError, decrypt, encrypt, key_id

ASSOCIATED_DATA: Final = "second factor"
# A passkey's row holds only what is public.
SECRET_FIELDS: Final = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


def rows_with_secrets() -> QuerySet[Authenticator]:
    """The rows that hold a secret."""
    return Authenticator.objects.filter(type__in=list(SECRET_FIELDS)).order_by("pk")


def decryption_problems() -> Iterator[str]:
    """A sentence for each row that the ring cannot open."""
    for row in rows_with_secrets().iterator():
        try:
            decrypt(str(row.data[SECRET_FIELDS[Authenticator.Type(row.type)]]), ASSOCIATED_DATA)
        except CryptoError as error:
            yield f"Second factor {row.pk}: {error}"


def reencrypt(pk: int, first: str) -> int:
    """Seals a row's secret with the first key of the ring, unless it is. Returns 1 if it was done. Raises SealError."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        field = SECRET_FIELDS[Authenticator.Type(row.type)] if row else ""
        if row is None or key_id(str(row.data[field])) == first:
            return 0
        row.data[field] = encrypt(decrypt(str(row.data[field]), ASSOCIATED_DATA), ASSOCIATED_DATA)
        row.save(update_fields=["data"])
    return 1
