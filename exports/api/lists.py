"""What the lists have in common: which parameters they take, and no others."""

from django.http import QueryDict

from exports.errors import InvalidError
from exports.exporting import pagination
from exports.exporting.filters import FILTER_NAMES, Filters

PAGING_NAMES = ("limit", "before")


def read_paging(data: QueryDict, *more: str) -> tuple[int | None, int]:
    """`before` and `limit`. Raises InvalidError, also for a parameter the list does not know or an empty one.

    A filter that is misspelled, or empty because a script's variable was, would otherwise show everything.
    """
    known = (*more, *PAGING_NAMES)
    errors = {name: [f"Unknown parameter. This list takes: {', '.join(known)}."] for name in data if name not in known}
    for name in data:
        values = data.getlist(name)
        if name in known and not all(part.strip() for value in values for part in value.split(",")):
            errors[name] = ["Give a value, or leave this out."]
        elif name in PAGING_NAMES and len(values) > 1:
            errors[name] = ["Give this once."]
    try:
        found = pagination.parse_paging(data)
    except InvalidError as error:
        errors = {**error.errors, **errors}
    if errors:
        raise InvalidError(errors)
    return found


def read_filters(data: QueryDict) -> tuple[Filters, int | None, int]:
    """Filters of exports, `before` and `limit`. Raises InvalidError with every problem at once."""
    errors: dict[str, list[str]] = {}
    filters = Filters()
    paging: tuple[int | None, int] = (None, pagination.DEFAULT_LIMIT)
    try:
        filters = Filters.parse(data)
    except InvalidError as error:
        errors = error.errors
    try:
        paging = read_paging(data, *FILTER_NAMES)
    except InvalidError as error:
        errors = {**errors, **error.errors}
    if errors:
        raise InvalidError(errors)
    return filters, *paging
