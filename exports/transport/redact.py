"""Keeping a credential's secrets out of what its provider says: some repeat in an answer what they were sent."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar
from urllib.parse import quote

T = TypeVar("T")

MASK: Final = "***"
# Shorter ones would be found in innocent words.
MIN_SECRET_LENGTH: Final = 6
# A file's link is sealed where it is kept, and an id that is changed names nothing any more.
UNREDACTED_FIELDS: Final = frozenset({"link", "remote_id", "id"})


def secret_variants(secrets: Sequence[str]) -> list[str]:
    """What must not be seen of these secrets, the longest first."""
    found: dict[str, None] = {}
    for secret in secrets:
        # "ApiKey KEY" is stored as it was pasted; the key alone must not show either.
        for word in (secret, *secret.split()[-1:]):
            if len(word) >= MIN_SECRET_LENGTH:
                found |= dict.fromkeys((word, quote(word, safe="")))
    return sorted(found, key=len, reverse=True)


def redact(hidden: Sequence[str], text: str) -> str:
    """The text with each of the hidden words masked, also one that its end cuts off."""
    for word in hidden:
        text = text.replace(word, MASK)
        start = text.find(word[:MIN_SECRET_LENGTH], max(0, len(text) - len(word)))
        while start >= 0:
            if word.startswith(text[start:]):
                text = text[:start] + MASK
            start = text.find(word[:MIN_SECRET_LENGTH], start + 1)
    return text


def redact_in(hidden: Sequence[str], value: T) -> T:
    """What a provider's method brought, with the hidden words masked in all of its texts."""
    found: Any = value
    if isinstance(value, str):
        found = redact(hidden, value)
    elif isinstance(value, Mapping):
        found = {name: redact_in(hidden, one) for name, one in value.items()}
    elif isinstance(value, tuple | list):
        found = type(value)(redact_in(hidden, one) for one in value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for one in fields(value):
            before = getattr(value, one.name)
            if one.name not in UNREDACTED_FIELDS and (after := redact_in(hidden, before)) != before:
                changed[one.name] = after
        found = replace(value, **changed) if changed else value
    return found  # type: ignore[no-any-return]
