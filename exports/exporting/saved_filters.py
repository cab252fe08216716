"""Filters of the list of exports that a member keeps under a name: save, rename, delete."""

from typing import Final

from django.db import IntegrityError, transaction

from exports.errors import ConflictError, InvalidError
from exports.models import Member, SavedFilter

MAX_SAVED: Final = 30
MAX_NAME_LENGTH: Final = 60
MAX_QUERY_LENGTH: Final = 1000


def save_filter(member: Member, name: str, query: str) -> SavedFilter:
    """Keeps a query string of the list, as `Filters.query_string` writes it. Raises InvalidError, ConflictError."""
    name = _checked_name(name)
    if not query:
        raise InvalidError({"query": ["There is no filter to save."]})
    if len(query) > MAX_QUERY_LENGTH:
        raise InvalidError({"query": ["These filters are too long to save."]})
    with transaction.atomic():
        # Two requests at once do not pass the limit together.
        Member.objects.select_for_update().get(pk=member.pk)
        if member.saved_filters.count() >= MAX_SAVED:
            raise ConflictError(f"You have {MAX_SAVED} saved filters; delete one first.")
        if member.saved_filters.filter(name=name).exists():
            raise _taken(name)
        return SavedFilter.objects.create(member=member, name=name, query=query)


def rename_filter(row: SavedFilter, name: str) -> None:
    """Gives it another name. Raises InvalidError."""
    row.name = _checked_name(name)
    try:
        with transaction.atomic():
            row.save(update_fields=["name"])
    except IntegrityError:
        raise _taken(row.name) from None


def delete_filter(row: SavedFilter) -> None:
    """Deletes it; exports are not touched."""
    row.delete()


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise InvalidError({"name": [f"Give a name of 1 to {MAX_NAME_LENGTH} characters."]})
    return name


def _taken(name: str) -> InvalidError:
    return InvalidError({"name": [f"You have a saved filter of this name already: {name}."]})
