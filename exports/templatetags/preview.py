"""Rows and columns of previews in templates."""

import re
from collections.abc import Sequence
from typing import Protocol

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports.preview.columns import BOOLEAN, DATE, EMPTY, NUMBER, TEXT, Column
from exports.templatetags.times import count

register = template.Library()

KIND_LABELS = {
    NUMBER: _l("number"),
    DATE: _l("date"),
    BOOLEAN: _l("yes or no"),
    TEXT: _l("text"),
    EMPTY: _l("empty"),
}


class _TablePage(Protocol):
    """The part of `web.preview_page.TablePage` that is put into words; this package may not import it."""

    row_count: int
    total: int | None
    has_more: bool
    matches: int | None
    page: int
    pages: int
    first: int
    last: int


@register.filter
def column_kind(column: Column) -> str:
    """What a column holds, in a word."""
    return str(KIND_LABELS[column.kind])


@register.filter
def beside(columns: Sequence[Column], cells: Sequence[str]) -> list[tuple[Column, str]]:
    """Each cell of a row with its column."""
    return list(zip(columns, cells, strict=False))


@register.filter
def marked(cell: str, pattern: "re.Pattern[str] | None" = None) -> SafeString:
    """A cell with what was searched marked."""
    if not pattern:
        return conditional_escape(cell)
    pieces, at = [], 0
    for match in pattern.finditer(cell):
        pieces.append((cell[at : match.start()], match[0]))
        at = match.end()
    html = format_html_join("", "{}<mark>{}</mark>", pieces)
    return format_html("{}{}", html, cell[at:])


@register.simple_tag
def table_note(page: _TablePage, columns_only: bool = False) -> str:
    """How many rows there are, and how many of them are shown: none beside the columns alone."""
    shown = page.last - page.first + 1
    if page.pages == 1 and not page.has_more and page.matches is None:
        return ngettext("%(count)s row", "All %(count)s rows", page.row_count) % {"count": count(page.row_count)}
    if page.total is None:
        return _("More than %(count)s rows") % {"count": count(page.row_count)}
    if page.matches is None and not page.page and not columns_only:
        return _("First %(shown)s of %(total)s rows") % {"shown": count(shown), "total": count(page.total)}
    return ngettext("%(count)s row", "%(count)s rows", page.total) % {"count": count(page.total)}


@register.simple_tag
def page_note(page: _TablePage, max_rows: int) -> str:
    """Which rows are shown, and where paging ends."""
    values = {"first": count(page.first), "last": count(page.last), "page": count(page.page + 1)}
    if page.matches is not None:
        return _("Matches %(first)s to %(last)s of %(matches)s") % {**values, "matches": count(page.matches)}
    text = _("Rows %(first)s to %(last)s") % values
    if page.total is not None:
        text = _("Rows %(first)s to %(last)s of %(total)s") % {**values, "total": count(page.total)}
    if page.total is None or page.total > max_rows:
        text += " · " + _("the first %(most)s can be paged") % {"most": count(max_rows)}
    return text


@register.simple_tag
def found_note(page: _TablePage, text: str) -> SafeString:
    """How many rows a search found, and how far it looked."""
    matches = page.matches or 0
    found = ngettext("%(count)s row with “%(text)s”", "%(count)s rows with “%(text)s”", matches)
    scope = _("searched the first %(rows)s rows") if page.has_more else _("searched all %(rows)s rows")
    return format_html(
        "{} · {}", found % {"count": count(matches), "text": text}, scope % {"rows": count(page.row_count)}
    )
