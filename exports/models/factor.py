"""Second factors' secrets at rest: which rows of allauth hold one, and sealing them anew."""

from collections.abc import Iterator
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet

from exports.models.seal import SealError, key_id, seal, unseal

BOUND_TO: Final = "second factor"
# A passkey's row holds only what is public.
SECRETS: Final = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


def sealed() -> QuerySet[Authenticator]:
    """The rows that hold a secret."""
    return Authenticator.objects.filter(type__in=list(SECRETS)).order_by("pk")


def problems() -> Iterator[str]:
    """A sentence for each row that the ring cannot open."""
    for row in sealed().iterator():
        try:
            unseal(str(row.data[SECRETS[Authenticator.Type(row.type)]]), BOUND_TO)
        except SealError as error:
            yield f"Second factor {row.pk}: {error}"


def reseal(pk: int, first: str) -> int:
    """Seals a row's secret with the first key of the ring, unless it is. Returns 1 if it was done. Raises SealError."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(pk=pk).first()
        field = SECRETS[Authenticator.Type(row.type)] if row else ""
        if row is None or key_id(str(row.data[field])) == first:
            return 0
        row.data[field] = seal(unseal(str(row.data[field]), BOUND_TO), BOUND_TO)
        row.save(update_fields=["data"])
    return 1
