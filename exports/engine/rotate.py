"""Sealing every secret anew with the first key of the ring, while everything runs."""

from dataclasses import dataclass, field

from django.db import transaction

from exports.models import Credential, Export, factor
from exports.models.seal import SealError, key_id, ring


@dataclass
class Rotation:
    """What was sealed anew, and what could not be opened (a sentence each)."""

    credentials: int = 0
    links: int = 0
    factors: int = 0
    problems: list[str] = field(default_factory=list)


def rotate() -> Rotation:
    """Re-seals what another key than the first has sealed; what is done already is left, so it may be run again.

    Each row is locked for a moment, so a token that a worker renews meanwhile is not lost. Raises SealError without
    a key.
    """
    first = ring().first
    if not first:
        raise SealError("There is no key to seal secrets with. Set CREDENTIAL_KEYS.")
    done = Rotation()
    for pk in Credential.objects.order_by("pk").values_list("pk", flat=True):
        try:
            done.credentials += _credential(pk, first)
        except SealError as error:
            done.problems.append(f"Credential {pk}: {error}")
    for export in Export.objects.exclude(sealed_link="").order_by("pk").iterator(chunk_size=500):
        try:
            done.links += _link(export, first)
        except SealError as error:
            done.problems.append(f"Export {export.pk}: {error}")
    for pk in factor.sealed().values_list("pk", flat=True):
        try:
            done.factors += factor.reseal(pk, first)
        except SealError as error:
            done.problems.append(f"Second factor {pk}: {error}")
    return done


def _credential(pk: int, first: str) -> int:
    with transaction.atomic():
        row = Credential.objects.select_for_update().filter(pk=pk).first()
        if row is None or all(key_id(value) == first for value in [*row.sealed.values(), row.sealed_grant] if value):
            return 0
        row.reseal()
    return 1


def _link(export: Export, first: str) -> int:
    if key_id(export.sealed_link) == first:
        return 0
    # The link may have been replaced meanwhile, or its export have ended.
    rows = Export.objects.filter(pk=export.pk, sealed_link=export.sealed_link)
    return rows.update(sealed_link=export.sealed(export.link()))
