"""Checks that the keys in the settings can decrypt what is stored."""

from exports.crypto import CryptoError
from exports.models import factor
from exports.models.credential import Credential


def check_key_ring() -> list[str]:
    """A sentence for each credential and second factor that the key ring cannot decrypt."""
    problems = []
    for credential in Credential.objects.exclude(encrypted_secrets={}).order_by("pk").iterator():
        try:
            credential.secrets()
        except CryptoError as error:
            problems.append(f"Credential {credential.pk}: {error}")
    return [*problems, *factor.decryption_problems()]
