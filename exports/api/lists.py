"""Query parameters of the lists: paging and filters. Unknown parameters are errors."""

from collections.abc import Sequence

from django.http import QueryDict

from exports.errors import InvalidError
from exports.exporting import pagination
from exports.exporting.filters import FILTER_NAMES, Filters

PAGING_NAMES = ("limit", "before")


def read_paging(data: QueryDict, *more: str) -> tuple[int | None, int]:
    """Returns `before` and `limit`. Raises InvalidError, also for unknown, empty and repeated parameters.

    `more`: names of other parameters of the list. A misspelled filter, or one that is empty because a variable of the
    client's script was, would otherwise return everything.
    """
    errors = read_known(data, (*more, *PAGING_NAMES))
    try:
        paging = pagination.parse_paging(data)
    except InvalidError as error:
        errors = {**error.errors, **errors}
    if errors:
        raise InvalidError(errors)
    return paging


def read_known(data: QueryDict, known: Sequence[str]) -> dict[str, list[str]]:
    """Returns the errors of unknown and empty parameters, and of paging parameters that come twice."""
    errors = {name: [f"Unknown parameter. This list takes: {', '.join(known)}."] for name in data if name not in known}
    for name in data:
        values = data.getlist(name)
        if name in known and not all(part.strip() for value in values for part in value.split(",")):
            errors[name] = ["Give a value, or leave this out."]
        elif name in (*PAGING_NAMES, "after") and len(values) > 1:
            errors[name] = ["Give this once."]
    return errors


def read_filters(data: QueryDict) -> tuple[Filters, int | None, int]:
    """Returns the filters of exports, `before` and `limit`. Raises InvalidError with every error at once."""
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
