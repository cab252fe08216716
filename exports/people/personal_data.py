"""Takes a person's address and name out of every row that holds them as text, history included (decision 22).

History, audit log and receipts keep their rows; only who is named in them changes. Nothing else may edit such rows.
"""

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote_plus

from allauth.account.models import EmailAddress
from django.contrib.admin.models import LogEntry
from django.db.models import Model, Q, TextField
from django.db.models.functions import Cast

from exports.models import (
    AuditEntry,
    Change,
    Download,
    Event,
    File,
    Invitation,
    OutboxMessage,
    SavedFilter,
    ScheduleRun,
    User,
)
from exports.models.outbox import recipient_key

# Texts that may name a person in a sentence.
SENTENCES: Final[tuple[tuple[type[Model], str], ...]] = (
    (AuditEntry, "target"),
    (AuditEntry, "detail"),
    (Change, "note"),
    (File, "deleted_because"),
    (ScheduleRun, "note"),
    (SavedFilter, "name"),
    (SavedFilter, "query"),
    (LogEntry, "object_repr"),
    (LogEntry, "change_message"),
    (OutboxMessage, "last_error"),
    (OutboxMessage, "answer"),
)
# What was sent or is to be sent, as JSON.
DOCUMENTS: Final[tuple[tuple[type[Model], str], ...]] = ((OutboxMessage, "payload"), (Event, "data"))


def replace(user: User, address: str, name: str) -> None:
    """Replaces the person's addresses, now and former, by `address`, and their name by `name`.

    The addresses that they used the portal from go as well. Call it in a transaction. Reads whole tables, so it takes a
    while on large ones.
    """
    known = _addresses(user)
    rows = AuditEntry.objects.filter(Q(user=user) | _is_one_of("actor", known))
    rows.update(actor=address, address=None)
    Download.objects.filter(user=user).update(actor=address, address=None)
    Change.objects.filter(_is_one_of("actor", known)).update(actor=address)
    Invitation.objects.filter(_is_one_of("email", known)).update(email=address)
    OutboxMessage.objects.filter(recipient__in=map(recipient_key, known)).update(recipient="")
    # As it stands in an address, too.
    known = [*known, *map(quote_plus, known)]
    patterns = [_pattern(text) for text in known]
    for model, field in SENTENCES:
        for pk, text in _rows_with(model, field, known):
            length = model._meta.get_field(field).max_length  # type: ignore[union-attr]
            changed = _replace_in_text(text, patterns, address)
            model._base_manager.filter(pk=pk).update(**{field: changed[:length]})
    for model, field in DOCUMENTS:
        for pk, value in _rows_with(model, field, known):
            model._base_manager.filter(pk=pk).update(**{field: _replace_in_json(value, patterns, address, name)})


def _addresses(user: User) -> list[str]:
    """Returns the person's address and those that they had before, without any that another account has now."""
    found = {user.email, *EmailAddress.objects.filter(user=user).values_list("email", flat=True)}
    for model in (AuditEntry, Download):
        found |= set(model.objects.filter(user=user).order_by().values_list("actor", flat=True).distinct())
    addresses = {text.lower() for text in found if "@" in text}
    taken = User.objects.exclude(pk=user.pk).filter(email__in=addresses)
    return sorted(addresses - {text.lower() for text in taken.values_list("email", flat=True)})


def _is_one_of(field: str, addresses: list[str]) -> Q:
    """Returns a condition: the column is one of the addresses, in any case. Of no address, no row fits."""
    condition = Q(pk__in=())
    for text in addresses:
        condition |= Q(**{f"{field}__iexact": text})
    return condition


def _rows_with(model: type[Model], field: str, addresses: list[str]) -> Iterator[tuple[int, Any]]:
    """Yields the id and the value of each row whose column contains one of the addresses."""
    condition = Q(pk__in=())
    for text in addresses:
        condition |= Q(searched__icontains=text)
    rows = model._base_manager.annotate(searched=Cast(field, TextField())).filter(condition)
    yield from list(rows.values_list("pk", field))


def _pattern(address: str) -> re.Pattern[str]:
    """Returns a pattern of the address that fits no longer one, such as this one with something before it."""
    return re.compile(rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)", re.IGNORECASE)


def _replace_in_text(text: str, patterns: list[re.Pattern[str]], address: str) -> str:
    for pattern in patterns:
        text = pattern.sub(address, text)
    return text


def _replace_in_json(value: Any, patterns: list[re.Pattern[str]], address: str, name: str) -> Any:
    """Returns the value with the addresses replaced, and with the name beside an `email` that was one of them."""
    if isinstance(value, str):
        return _replace_in_text(value, patterns, address)
    if isinstance(value, list):
        return [_replace_in_json(item, patterns, address, name) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _replace_in_json(item, patterns, address, name) for key, item in value.items()}
    if "name" in changed and changed.get("email") != value.get("email"):
        changed["name"] = name
    return changed
