"""Secrets at rest: AES-256-GCM with a key ring, each value bound to the row and field that it belongs to.

An encrypted text is `v1:<key id>:<base64 of nonce and ciphertext>`. What it is bound to (the associated data) is not
stored, so a ciphertext that was copied to another row, team or field cannot be decrypted (NIST SP 800-38D).
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
    """A value cannot be encrypted or decrypted. The text says what to do and holds no secret."""


class KeyRing:
    """The keys. The first, `primary_key_id`, encrypts; all decrypt."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.ciphers = {}
        self.primary_key_id = ""
        for key in keys:
            # These prefixes are part of the stored format: a change would make every stored value undecipherable.
            raw = hashlib.sha256(b"export portal sealing key 1\0" + key.encode()).digest()
            id_ = hashlib.sha256(b"export portal key id 1\0" + raw).hexdigest()[:8]
            self.ciphers[id_] = AESGCM(raw)
            self.primary_key_id = self.primary_key_id or id_


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> KeyRing:
    return KeyRing(keys)


def key_ring(*, create: bool = False) -> KeyRing:
    """The key ring of the settings, without keys where there are none.

    `create`: creates a first key in the key file then. Raises CryptoError when encrypted rows exist already.
    """
    keys = tuple(settings.CREDENTIAL_KEYS)
    if not keys and settings.CREDENTIAL_KEYS_FILE is not None:
        keys = read_keys(settings.CREDENTIAL_KEYS_FILE)
        if not keys and create:
            if has_encrypted_rows():
                raise CryptoError(
                    "Secrets are encrypted in the database, but their key is gone. Put the old key back: set"
                    " CREDENTIAL_KEYS, or restore the file credential_keys in DATA_DIR."
                )
            keys = (read_or_create_secret(settings.CREDENTIAL_KEYS_FILE),)
    return _ring(keys)


def has_encrypted_rows() -> bool:
    """Whether any credential, alert, webhook or second factor holds an encrypted value."""
    # By name, since the models import this module.
    managers = {name: apps.get_model("exports", name)._default_manager for name in ("Credential", "Alert", "Webhook")}
    factors = apps.get_model("mfa", "Authenticator")._default_manager.exclude(type="webauthn")
    # A row is there before its secret, which is bound to the row's id.
    return (
        managers["Credential"].exclude(encrypted_secrets={}).exists()
        or managers["Alert"].exclude(encrypted_address="").exists()
        or managers["Webhook"].exclude(encrypted_secret="").exists()
        or factors.exists()
    )


def encrypt(text: str, bound_to: str) -> str:
    """Encrypts a text for one place, like "credential|7|3|token". Raises CryptoError."""
    keys = key_ring(create=True)
    if not keys.primary_key_id:
        raise CryptoError("There is no key to encrypt secrets with. Set CREDENTIAL_KEYS.")
    nonce = os.urandom(12)
    ciphertext = keys.ciphers[keys.primary_key_id].encrypt(nonce, text.encode(), bound_to.encode())
    return f"v1:{keys.primary_key_id}:{base64.b64encode(nonce + ciphertext).decode()}"


def decrypt(encrypted: str, bound_to: str) -> str:
    """Decrypts what was encrypted for the same place. Raises CryptoError."""
    match = re.fullmatch(r"v1:([0-9a-f]{8}):([A-Za-z0-9+/=]+)", encrypted)
    cipher = key_ring().ciphers.get(match[1]) if match else None
    if match is None or cipher is None:
        raise CryptoError(
            "A secret was encrypted with a key that is not here. Add the old key behind the new one in CREDENTIAL_KEYS."
        )
    raw = base64.b64decode(match[2])
    try:
        return cipher.decrypt(raw[:12], raw[12:], bound_to.encode()).decode()
    except InvalidTag:
        raise CryptoError("An encrypted secret does not belong to the place it was found in.") from None


def key_id(encrypted: str) -> str:
    """The id of the key that encrypted the text; "" for another format."""
    return encrypted.split(":", 2)[1] if encrypted.count(":") == 2 else ""
