"""Lists in pages by key, newest first, through filters. For pages and API alike."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, TypeVar

from django.db.models import Model, QuerySet, Subquery
from django.http import QueryDict
from django.utils.http import urlencode

from exports.errors import InvalidError
from exports.exporting.filters import MAX_ID, Filters, parse_positive_int

MAX_LIMIT: Final = 100
DEFAULT_LIMIT: Final = 20
# A filter that no index serves looks through so many exports at a time, so that a page costs the same in any history.
WINDOW: Final = 10_000
CHUNK: Final = 1000
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some rows of a list. `next_query`: the query string, with its question mark, of those after; None at the end."""

    rows: Sequence[M]
    limit: int
    next_query: str | None


def get_page(
    rows: QuerySet[M], filters: Filters | None = None, before: int | None = None, limit: int = DEFAULT_LIMIT
) -> Page[M]:
    """The newest rows, or those older than `before`, in one query whatever the depth of the page."""
    if filters is not None:
        rows = filters.apply(rows)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # One more than is shown tells whether there are others.
    found = list(rows.order_by("-pk")[: limit + 1])
    shown = found[:limit]
    if len(found) <= limit:
        return Page(shown, limit, None)
    place = urlencode({"limit": limit, "before": shown[-1].pk})
    return Page(shown, limit, "?" + "&".join(filter(None, (filters.query_string if filters else "", place))))


@dataclass(frozen=True)
class CursorPage(Generic[M]):
    """A page that leads both ways. `newer`, `older`: query strings, without question mark; None where it ends.

    `scanned_back_to`: filters that no index serves were tried back to this time; there may be more behind it.
    """

    rows: Sequence[M]
    newer: str | None = None
    older: str | None = None
    scanned_back_to: datetime | None = None


def get_cursor_page(
    rows: QuerySet[M], filters: Filters, before: int | None = None, after: int | None = None, limit: int = DEFAULT_LIMIT
) -> CursorPage[M]:
    """The newest rows, those older than `before`, or those just newer than `after`; at most two queries, any depth."""
    up = after is not None
    order, beyond, within = ("pk", "gt", "lte") if up else ("-pk", "lt", "gte")
    place = after if up else before
    some = filters.pre_filter(rows)
    if place is not None:
        some = some.filter(**{f"pk__{beyond}": place})
    edge, at = _edge(some, order) if filters.has_post_filter else (None, None)
    found = filters.post_filter(some)
    if edge is not None:
        found = found.filter(**{f"pk__{within}": edge})
    got = list(found.order_by(order)[: limit + 1])
    shown = got[:limit]
    last: int | None = shown[-1].pk if len(got) > limit else edge
    back: int | None = None
    if place is not None:
        back = shown[0].pk if shown else place + (1 if up else -1)
    newer, older = (last, back) if up else (back, last)
    return CursorPage(
        shown[::-1] if up else shown,
        _place(filters, "after", newer),
        _place(filters, "before", older),
        at if len(got) <= limit else None,
    )


def iterate_rows(rows: QuerySet[M], filters: Filters, most: int) -> Iterator[M]:
    """The newest rows that pass, up to so many, a chunk at a time: memory stays flat."""
    found, before = filters.apply(rows).order_by("-pk"), None
    while most > 0:
        chunk = list((found if before is None else found.filter(pk__lt=before))[: min(CHUNK, most)])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        before, most = chunk[-1].pk, most - len(chunk)


def parse_cursor(data: QueryDict) -> tuple[int | None, int | None]:
    """`before` and `after` of a query string; what cannot be read, or both, counts as not given."""
    found: dict[str, int] = {}
    for name in ("before", "after"):
        with contextlib.suppress(ValueError):
            found[name] = parse_positive_int(data.get(name, ""))
    return (found.get("before"), found.get("after")) if len(found) == 1 else (None, None)


def _edge(rows: QuerySet[M], order: str) -> tuple[int | None, datetime | None]:
    """The export at which a window over these ends; (None, None) when all of them fit into it."""
    ids = rows.select_related(None).order_by(order).values("pk")[WINDOW - 1 : WINDOW]
    # The inner query reads the index alone, the outer one row.
    found = rows.model._default_manager.filter(pk=Subquery(ids)).values_list("pk", "created_at").first()
    return found or (None, None)


def _place(filters: Filters, name: str, pk: int | None) -> str | None:
    if pk is None:
        return None
    return "&".join(filter(None, (filters.query_string, urlencode({name: pk}))))


def parse_paging(data: QueryDict) -> tuple[int | None, int]:
    """`before` and `limit` of a query string. Raises InvalidError."""
    errors: dict[str, list[str]] = {}
    found: dict[str, int | None] = {"before": None, "limit": DEFAULT_LIMIT}
    for name, most in (("before", MAX_ID), ("limit", MAX_LIMIT)):
        text = data.get(name)
        if text is None:
            continue
        try:
            found[name] = parse_positive_int(text, most)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise InvalidError(errors)
    return found["before"], found["limit"] or DEFAULT_LIMIT
