"""What the page of a preview shows beside the rows, the tree or the player: tabs, sheets, pages, what was searched."""

import re
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from exports import formats
from exports.exporting.filters import parse_positive_int
from exports.models import Export, File
from exports.preview import archives, table_head
from exports.preview.cells import MAX_ROWS
from exports.preview.columns import Column
from exports.preview.comparison import find_previous
from exports.preview.formats import Preview, make_preview, preview_errors
from exports.preview.table_head import MAX_QUERY_LENGTH, NumberedRow
from exports.preview.tables import Table, count_formulas
from exports.storage import places

COLUMNS_VIEW: Final = "columns"


@dataclass(frozen=True)
class Tab:
    """A link above a preview, as `elements/tabs.html` and `seg.html` take it."""

    label: str
    href: str
    is_current: bool = False
    count: int | None = None
    icon: str = ""


@dataclass(frozen=True)
class Query:
    """What the address of a preview asks for. `page` and `sheet` count from 0."""

    address: str
    page: int = 0
    sheet: int = 0
    text: str = ""
    view: str = ""
    folder: str = ""

    @classmethod
    def read(cls, export: Export, data: QueryDict) -> "Query":
        """Reads the query string; what cannot be read counts as not given."""
        text = data.get("q", "").replace("\0", "").strip()[:MAX_QUERY_LENGTH]
        address = reverse("web:preview", args=[export.team.slug, export.pk])
        view = COLUMNS_VIEW if data.get("view") == COLUMNS_VIEW else ""
        folder = data.get("folder", "").strip("/")
        return cls(address, _number(data.get("page", "")), _number(data.get("sheet", "")), text, view, folder)

    def link(self, *, page: int = 0, sheet: int | None = None, text: str | None = None, view: str = "") -> str:
        """Returns the address with other values; what is not named is as it is, except for page and view."""
        values: dict[str, str | int] = {
            "sheet": (self.sheet if sheet is None else sheet) + 1,
            "view": view,
            "q": self.text if text is None else text,
            "page": page + 1,
        }
        given = {name: value for name, value in values.items() if value not in (1, "")}
        return f"{self.address}?{urlencode(given)}" if given else self.address


@dataclass(frozen=True)
class TablePage:
    """A page of a table's rows, or of those that a search found. `total`: rows of the table, None if not known.

    `pages`: how many pages there are. `matches`: rows found, None without a search. `searched`: rows looked through.
    """

    columns: list[Column]
    numbered_rows: list[NumberedRow]
    row_count: int
    has_more: bool
    cut_columns: bool
    total: int | None
    page: int = 0
    pages: int = 1
    matches: int | None = None
    stopped: str = ""
    reading_note: str = ""
    sheets: tuple[str, ...] = ()
    kind: str = "table"

    @property
    def formulas(self) -> int:
        """How many of the shown cells look like a formula."""
        return count_formulas(cells for _number, cells in self.numbered_rows)

    @property
    def first(self) -> int:
        """The number of the first row shown, among those found or all."""
        return self.page * MAX_ROWS + 1

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.page * MAX_ROWS + len(self.numbered_rows)


def fragment_context(export: Export, file: File) -> dict[str, Any]:
    """Returns what the preview on an export's page shows: the beginning, read quickly. Raises PreviewError."""
    query = Query.read(export, QueryDict())
    made = make_preview(places.readable(file), export.format)
    if isinstance(made, Table):
        page = _first_rows(made, file)
        return {"preview": page, "pattern": None, **_around_table(export, page, query)}
    return {"preview": made, **_around(export, made, query)}


def page_context(export: Export, file: File, data: QueryDict) -> dict[str, Any]:
    """Returns what the page of a preview shows. Raises PreviewError."""
    query = Query.read(export, data)
    if formats.get_format(export.format).shape == "table":
        page, pattern = _read_table(export, file, query)
        context = {"preview": page, "pattern": pattern, **_around_table(export, page, query)}
    else:
        made = _read_other(export, file, query)
        context = {"preview": made, **_around(export, made, query)}
    return {"whole_page": True, "query": query, **context}


def _read_table(export: Export, file: File, query: Query) -> tuple[TablePage, "re.Pattern[str] | None"]:
    source = places.readable(file)
    head = table_head.get_head(file.sha256, source, export.format, query.sheet)
    pattern = table_head.search_pattern(query.text) if query.text else None
    matches: int | None = None
    if pattern is None:
        pages = len(head.pages)
        number = min(query.page, max(0, pages - 1))
        rows = head.page(number) if pages else []
    else:
        number = query.page
        rows, matches = head.search(pattern, number)
        pages = -(-matches // MAX_ROWS)
        if not rows and matches:
            number = pages - 1
            rows, matches = head.search(pattern, number)
    total = _total(file, head.row_count, has_more=head.has_more, sheet=query.sheet)
    start = make_preview(source, export.format)
    page = TablePage(
        head.columns,
        rows,
        head.row_count,
        head.has_more,
        head.cut_columns,
        total,
        number,
        max(1, pages),
        matches,
        head.stopped,
        start.reading_note if isinstance(start, Table) and not query.sheet else "",
        start.sheets if isinstance(start, Table) else (),
    )
    return page, pattern


def _first_rows(table: Table, file: File) -> TablePage:
    count = len(table.rows)
    total = _total(file, count, has_more=table.has_more, sheet=0)
    known = min(total or 0, table_head.MAX_TABLE_ROWS)
    return TablePage(
        table.columns,
        table.numbered_rows,
        count,
        table.has_more,
        table.cut_columns,
        total,
        pages=max(1 + table.has_more, -(-known // MAX_ROWS)),
        reading_note=table.reading_note,
        sheets=table.sheets,
    )


def _total(file: File, row_count: int, *, has_more: bool, sheet: int) -> int | None:
    """Returns how many rows a table has; of later sheets only what was read is known."""
    if not has_more:
        return row_count
    return file.row_count if not sheet else None


def _read_other(export: Export, file: File, query: Query) -> Preview | archives.Matches | None:
    source = places.readable(file)
    declared = formats.get_format(export.format)
    if declared.shape != "archive":
        return make_preview(source, export.format)
    with preview_errors():
        read, sought = (declared.find, query.text) if query.text else (declared.preview, query.folder)
        made: Preview | archives.Matches = formats.load(read)(source, sought)
        return made


def _around_table(export: Export, page: TablePage, query: Query) -> dict[str, Any]:
    rows_tab = Tab(_("Preview"), query.link(), is_current=not query.view)
    columns_tab = Tab(_("Columns"), query.link(view=COLUMNS_VIEW, text=""), bool(query.view), len(page.columns))
    sheets = [
        Tab(name or _("Sheet %(number)d") % {"number": number + 1}, query.link(sheet=number), number == query.sheet)
        for number, name in enumerate(page.sheets)
    ]
    return {
        "tabs": [rows_tab, columns_tab, *_compare_tab(export)],
        "shows_columns": bool(query.view),
        "sheets": sheets if len(sheets) > 1 else [],
        "max_table_rows": table_head.MAX_TABLE_ROWS,
        "previous_href": query.link(page=page.page - 1) if page.page else "",
        "next_href": query.link(page=page.page + 1) if page.page + 1 < page.pages else "",
        "first_href": query.link(),
        "last_href": query.link(page=page.pages - 1),
        "clear_href": query.link(text=""),
        "preview_href": query.address,
    }


def _around(export: Export, made: Preview | archives.Matches | None, query: Query) -> dict[str, Any]:
    label = _("Video") if made and made.kind == "video" else _("Contents")
    folders, path = [], ""
    for name in query.folder.split("/") if query.folder else ():
        path = f"{path}/{name}" if path else name
        folders.append(Tab(name, f"{query.address}?{urlencode({'folder': path})}", path == query.folder))
    return {
        "tabs": [Tab(label, query.address, is_current=True), *_compare_tab(export)],
        "folders": folders,
        "max_matches": archives.MAX_MATCHES,
        "preview_href": query.address,
    }


def _compare_tab(export: Export) -> list[Tab]:
    previous = find_previous(export)
    if previous is None:
        return []
    href = reverse("web:compare", args=[export.team.slug, export.pk])
    return [Tab(_("Compare with #%(pk)d") % {"pk": previous.pk}, href)]


def _number(text: str) -> int:
    """Returns a number that counts from 1 as one that counts from 0."""
    try:
        return parse_positive_int(text, 100_000) - 1
    except ValueError:
        return 0
