"""Checks that the keys in the settings can decrypt what is stored."""

from collections.abc import Iterator
from itertools import chain
from typing import TypeVar

from django.db.models import Model, QuerySet

from exports.crypto import CryptoError
from exports.models import factor
from exports.models.alert import Alert, Webhook
from exports.models.credential import Credential

M = TypeVar("M", bound=Model)


def check_key_ring(limit: int | None = None) -> list[str]:
    """A sentence for each credential, alert, webhook and second factor that the key ring cannot decrypt.

    `limit`: only so many of the oldest and of the newest of each. After a key was changed and something was left out
    these are encrypted with different ones.
    """
    problems = []
    for credential in _rows(Credential.objects.exclude(encrypted_secrets={}), limit):
        try:
            credential.secrets()
        except CryptoError as error:
            problems.append(f"Credential {credential.pk}: {error}")
    for alert in _rows(Alert.objects.all(), limit):
        try:
            alert.address()
        except CryptoError as error:
            problems.append(f"Alert {alert.pk}: {error}")
    for webhook in _rows(Webhook.objects.all(), limit):
        try:
            webhook.secrets()
        except CryptoError as error:
            problems.append(f"Webhook {webhook.pk}: {error}")
    return [*problems, *(factor.decryption_problems() if limit is None else [])]


def _rows(rows: QuerySet[M], limit: int | None) -> Iterator[M]:
    if limit is None:
        return rows.order_by("pk").iterator()
    ends = chain(rows.order_by("pk")[:limit], rows.order_by("-pk")[:limit])
    return iter({row.pk: row for row in ends}.values())
