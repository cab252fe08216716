"""Secrets at rest: AES-256-GCM with a key ring, each value bound to the row and field it belongs to.

A sealed text is `v1:<key id>:<base64 of nonce and ciphertext>`. What it is bound to (associated data) is not stored,
so a ciphertext copied to another row, team or field does not open (NIST SP 800-38D).
"""

import base64
import hashlib
import os
import re
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from portal.keys import kept_secret, read_keys


class SealError(Exception):
    """A sealed value cannot be opened, or nothing can be sealed. The text says what to do and holds no secret."""


class Ring:
    """The keys: the first seals, all open."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.ciphers = {}
        self.first = ""
        for key in keys:
            raw = hashlib.sha256(b"export portal sealing key 1\0" + key.encode()).digest()
            name = hashlib.sha256(b"export portal key id 1\0" + raw).hexdigest()[:8]
            self.ciphers[name] = AESGCM(raw)
            self.first = self.first or name


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> Ring:
    return Ring(keys)


def ring(*, make: bool = False) -> Ring:
    """The ring in force. `make`: make a first key where there is none and nothing is sealed yet."""
    keys = tuple(settings.CREDENTIAL_KEYS)
    if not keys and settings.CREDENTIAL_KEYS_FILE is not None:
        keys = read_keys(settings.CREDENTIAL_KEYS_FILE)
        if not keys and make:
            if anything_sealed():
                raise SealError(
                    "Secrets are sealed in the database, but their key is gone. Put the old key back: set"
                    " CREDENTIAL_KEYS, or restore the file credential_keys in DATA_DIR."
                )
            keys = (kept_secret(settings.CREDENTIAL_KEYS_FILE),)
    return _ring(keys)


def anything_sealed() -> bool:
    """Whether some row holds a sealed value."""
    from exports.models import factor
    from exports.models.credential import Credential

    return Credential.objects.exclude(sealed={}).exists() or factor.sealed().exists()


def seal(text: str, bound_to: str) -> str:
    """Seals a text for one place, e.g. "credential|7|3|token". Raises SealError."""
    keys = ring(make=True)
    if not keys.first:
        raise SealError("There is no key to seal secrets with. Set CREDENTIAL_KEYS.")
    nonce = os.urandom(12)
    sealed = nonce + keys.ciphers[keys.first].encrypt(nonce, text.encode(), bound_to.encode())
    return f"v1:{keys.first}:{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, bound_to: str) -> str:
    """Opens what was sealed for the same place. Raises SealError."""
    match = re.fullmatch(r"v1:([0-9a-f]{8}):([A-Za-z0-9+/=]+)", sealed)
    cipher = ring().ciphers.get(match[1]) if match else None
    if match is None or cipher is None:
        raise SealError(
            "A secret was sealed with a key that is not here. Add the old key behind the new one in CREDENTIAL_KEYS."
        )
    raw = base64.b64decode(match[2])
    try:
        return cipher.decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except InvalidTag:
        raise SealError("A sealed secret does not belong to the place it was found in.") from None


def key_id(sealed: str) -> str:
    """The id of the key that sealed it."""
    return sealed.split(":", 2)[1] if sealed.count(":") == 2 else ""


def check_ring() -> list[str]:
    """Problems with the ring: sealed rows it cannot open. Empty when all is well."""
    from exports.models import factor
    from exports.models.credential import Credential

    problems = []
    for credential in Credential.objects.exclude(sealed={}).order_by("pk").iterator():
        try:
            credential.secrets()
        except SealError as error:
            problems.append(f"Credential {credential.pk}: {error}")
    return [*problems, *factor.problems()]
