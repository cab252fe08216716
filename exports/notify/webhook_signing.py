"""Signatures of webhooks, as the specification of Standard Webhooks says (standardwebhooks.com, version 1)."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  says what follows
# The specification wants 24 to 64 bytes.
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """A new secret: `whsec_` and 32 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_message_id() -> str:
    """An id for a message that no other message of any portal has."""
    return f"msg_{secrets.token_urlsafe(20)}"


def signature_headers(keys: Sequence[str], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of an attempt at this time (epoch seconds). Each secret signs; the receiver needs one of them."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{_sign(key, signed)}" for key in keys),
    }


def _sign(secret: str, signed: bytes) -> str:
    """The HMAC-SHA256 in base64. Raises ValueError for a secret that is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("This is no secret of a webhook.") from None
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
