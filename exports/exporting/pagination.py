"""Keyset pagination of filtered lists, newest first. Used by pages and API."""

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
# Filters without an index scan at most this many rows, so that the cost of a page does not grow with the table.
SCAN_ROWS: Final = 10_000
CHUNK_ROWS: Final = 1000
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of a list. `next_query`: query string of the next page, with question mark; None on the last page."""

    rows: Sequence[M]
    limit: int
    next_query: str | None


def get_page(
    rows: QuerySet[M], filters: Filters | None = None, before: int | None = None, limit: int = DEFAULT_LIMIT
) -> Page[M]:
    """Returns the newest rows, or those with an id below `before`, in one query whatever the depth of the page."""
    if filters is not None:
        rows = filters.matching(rows)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    # One row more than the page shows: it tells whether there is a next page.
    fetched = list(rows.order_by("-pk")[: limit + 1])
    shown = fetched[:limit]
    if len(fetched) <= limit:
        return Page(shown, limit, None)
    cursor = urlencode({"limit": limit, "before": shown[-1].pk})
    return Page(shown, limit, "?" + "&".join(filter(None, (filters.query_string if filters else "", cursor))))


@dataclass(frozen=True)
class CursorPage(Generic[M]):
    """A page with links both ways. `newer`, `older`: query strings without question mark; None where the list ends.

    `scanned_back_to`: the scan of filters without an index stopped at this time; older rows may match as well.
    """

    rows: Sequence[M]
    newer: str | None = None
    older: str | None = None
    scanned_back_to: datetime | None = None


def get_cursor_page(
    rows: QuerySet[M], filters: Filters, before: int | None = None, after: int | None = None, limit: int = DEFAULT_LIMIT
) -> CursorPage[M]:
    """Returns the newest rows, those just older than `before`, or those just newer than `after` (ids).

    Makes at most two queries, whatever the depth of the page.
    """
    ascending = after is not None
    order, beyond, within = ("pk", "gt", "lte") if ascending else ("-pk", "lt", "gte")
    cursor = after if ascending else before
    candidates = filters.pre_filter(rows)
    if cursor is not None:
        candidates = candidates.filter(**{f"pk__{beyond}": cursor})
    scan_end, scan_end_time = _scan_end(candidates, order) if filters.has_post_filter else (None, None)
    matches = filters.post_filter(candidates)
    if scan_end is not None:
        matches = matches.filter(**{f"pk__{within}": scan_end})
    fetched = list(matches.order_by(order)[: limit + 1])
    shown = fetched[:limit]
    onward: int | None = shown[-1].pk if len(fetched) > limit else scan_end
    back: int | None = None
    if cursor is not None:
        back = shown[0].pk if shown else cursor + (1 if ascending else -1)
    newer, older = (onward, back) if ascending else (back, onward)
    return CursorPage(
        shown[::-1] if ascending else shown,
        _cursor_query(filters, "after", newer),
        _cursor_query(filters, "before", older),
        scan_end_time if len(fetched) <= limit else None,
    )


def count_newer(rows: QuerySet[M], filters: Filters, after: int, max_count: int) -> int:
    """Returns how many matching rows have an id above `after`: at most one more than `max_count`, of SCAN_ROWS rows."""
    candidates = filters.pre_filter(rows.select_related(None)).filter(pk__gt=after)
    if filters.has_post_filter:
        candidates = filters.post_filter(rows.filter(pk__in=candidates.order_by("pk").values("pk")[:SCAN_ROWS]))
    return candidates.order_by()[: max_count + 1].count()


def iterate_rows(rows: QuerySet[M], filters: Filters, max_rows: int) -> Iterator[M]:
    """Yields the newest matching rows, at most `max_rows`. Reads them in chunks, so memory stays flat."""
    matches, before, remaining = filters.matching(rows).order_by("-pk"), None, max_rows
    while remaining > 0:
        chunk = list((matches if before is None else matches.filter(pk__lt=before))[: min(CHUNK_ROWS, remaining)])
        yield from chunk
        if len(chunk) < CHUNK_ROWS:
            return
        before, remaining = chunk[-1].pk, remaining - len(chunk)


def parse_cursor(data: QueryDict) -> tuple[int | None, int | None]:
    """Returns `before` and `after` of a query string; malformed values, or both at once, count as absent."""
    cursors: dict[str, int] = {}
    for name in ("before", "after"):
        with contextlib.suppress(ValueError):
            cursors[name] = parse_positive_int(data.get(name, ""))
    return (cursors.get("before"), cursors.get("after")) if len(cursors) == 1 else (None, None)


def _scan_end(rows: QuerySet[M], order: str) -> tuple[int | None, datetime | None]:
    """Returns id and `created_at` of the last row within SCAN_ROWS; (None, None) when there are fewer rows."""
    ids = rows.select_related(None).order_by(order).values("pk")[SCAN_ROWS - 1 : SCAN_ROWS]
    # The subquery is an index-only scan; the outer query reads one row.
    row = rows.model._default_manager.filter(pk=Subquery(ids)).values_list("pk", "created_at").first()
    return row or (None, None)


def _cursor_query(filters: Filters, name: str, pk: int | None) -> str | None:
    if pk is None:
        return None
    return "&".join(filter(None, (filters.query_string, urlencode({name: pk}))))


def parse_paging(data: QueryDict) -> tuple[int | None, int]:
    """Returns `before` and `limit` of a query string. Raises InvalidError."""
    errors: dict[str, list[str]] = {}
    values: dict[str, int | None] = {"before": None, "limit": DEFAULT_LIMIT}
    for name, maximum in (("before", MAX_ID), ("limit", MAX_LIMIT)):
        text = data.get(name)
        if text is None:
            continue
        try:
            values[name] = parse_positive_int(text, maximum)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise InvalidError(errors)
    return values["before"], values["limit"] or DEFAULT_LIMIT
