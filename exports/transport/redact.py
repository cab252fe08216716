"""Masks a credential's secrets in what its provider answers: some providers repeat in an answer what was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar
from urllib.parse import quote

T = TypeVar("T")

MASK: Final = "***"
# Shorter ones would match in ordinary words.
MIN_SECRET_LENGTH: Final = 6
# A file's link is stored encrypted, and a masked id would name nothing any more.
UNREDACTED_FIELDS: Final = frozenset({"link", "remote_id", "id"})


def secret_variants(secrets: Sequence[str]) -> list[str]:
    """Every form of these secrets that must not be shown, the longest first."""
    variants: dict[str, None] = {}
    for secret in secrets:
        # "ApiKey KEY" is stored as it was pasted; the key alone must not be shown either.
        for word in (secret, *secret.split()[-1:]):
            if len(word) >= MIN_SECRET_LENGTH:
                variants |= dict.fromkeys((word, quote(word, safe="")))
    return sorted(variants, key=len, reverse=True)


def redact(secrets: Sequence[str], text: str) -> str:
    """The text with each of the secrets masked, also one that is cut off at the end of the text."""
    for secret in secrets:
        text = text.replace(secret, MASK)
        start = text.find(secret[:MIN_SECRET_LENGTH], max(0, len(text) - len(secret)))
        while start >= 0:
            if secret.startswith(text[start:]):
                text = text[:start] + MASK
            start = text.find(secret[:MIN_SECRET_LENGTH], start + 1)
    return text


def redact_in(secrets: Sequence[str], value: T) -> T:
    """The value with the secrets masked in all its texts: in mappings, sequences and dataclasses at any depth."""
    redacted: Any = value
    if isinstance(value, str):
        redacted = redact(secrets, value)
    elif isinstance(value, Mapping):
        redacted = {name: redact_in(secrets, item) for name, item in value.items()}
    elif isinstance(value, tuple | list):
        redacted = type(value)(redact_in(secrets, item) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in fields(value):
            before = getattr(value, field.name)
            if field.name not in UNREDACTED_FIELDS and (after := redact_in(secrets, before)) != before:
                changed[field.name] = after
        redacted = replace(value, **changed) if changed else value
    return redacted  # type: ignore[no-any-return]
