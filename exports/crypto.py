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
from django.apps import apps
from django.conf import settings

from portal.keys import read_keys, read_or_create_secret


class CryptoError(Exception):
    """A sealed value cannot be opened, or nothing can be sealed. The text says what to do and holds no secret."""


class KeyRing:
    """The keys: the first seals, all open."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.ciphers = {}
        self.primary_key_id = ""
        for key in keys:
            raw = hashlib.sha256(b"export portal sealing key 1\0" + key.encode()).digest()
            name = hashlib.sha256(b"export portal key id 1\0" + raw).hexdigest()[:8]
            self.ciphers[name] = AESGCM(raw)
            self.primary_key_id = self.primary_key_id or name


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> KeyRing:
    return KeyRing(keys)


def key_ring(*, create: bool = False) -> KeyRing:
    """The ring in force. `make`: make a first key where there is none and nothing is sealed yet."""
    keys = tuple(settings.CREDENTIAL_KEYS)
    if not keys and settings.CREDENTIAL_KEYS_FILE is not None:
        keys = read_keys(settings.CREDENTIAL_KEYS_FILE)
        if not keys and create:
            if has_encrypted_rows():
                raise CryptoError(
                    "Secrets are sealed in the database, but their key is gone. Put the old key back: set"
                    " CREDENTIAL_KEYS, or restore the file credential_keys in DATA_DIR."
                )
            keys = (read_or_create_secret(settings.CREDENTIAL_KEYS_FILE),)
    return _ring(keys)


def has_encrypted_rows() -> bool:
    """Whether some row holds an encrypted value."""
    # Looked up by name: the models use this module, not the reverse.
    rows = apps.get_model("exports", "Credential")._default_manager.exclude(encrypted_secrets={})
    factors = apps.get_model("mfa", "Authenticator")._default_manager.exclude(type="webauthn")
    return rows.exists() or factors.exists()


def encrypt(text: str, bound_to: str) -> str:
    """Seals a text for one place, e.g. "credential|7|3|token". Raises SealError."""
    keys = key_ring(create=True)
    if not keys.primary_key_id:
        raise CryptoError("There is no key to seal secrets with. Set CREDENTIAL_KEYS.")
    nonce = os.urandom(12)
    sealed = nonce + keys.ciphers[keys.primary_key_id].encrypt(nonce, text.encode(), bound_to.encode())
    return f"v1:{keys.primary_key_id}:{base64.b64encode(sealed).decode()}"


def decrypt(sealed: str, bound_to: str) -> str:
    """Opens what was sealed for the same place. Raises SealError."""
    match = re.fullmatch(r"v1:([0-9a-f]{8}):([A-Za-z0-9+/=]+)", sealed)
    cipher = key_ring().ciphers.get(match[1]) if match else None
    if match is None or cipher is None:
        raise CryptoError(
            "A secret was sealed with a key that is not here. Add the old key behind the new one in CREDENTIAL_KEYS."
        )
    raw = base64.b64decode(match[2])
    try:
        return cipher.decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except InvalidTag:
        raise CryptoError("A sealed secret does not belong to the place it was found in.") from None


def key_id(sealed: str) -> str:
    """The id of the key that sealed it."""
    return sealed.split(":", 2)[1] if sealed.count(":") == 2 else ""
