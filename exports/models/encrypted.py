"""Everything that is kept encrypted, and whether the keys in force open it."""

from exports.crypto import CryptoError
from exports.models import factor
from exports.models.credential import Credential


def check_key_ring() -> list[str]:
    """Problems with the key ring: encrypted rows that it cannot open. Empty when all is well."""
    problems = []
    for credential in Credential.objects.exclude(encrypted_secrets={}).order_by("pk").iterator():
        try:
            credential.secrets()
        except CryptoError as error:
            problems.append(f"Credential {credential.pk}: {error}")
    return [*problems, *factor.decryption_problems()]
