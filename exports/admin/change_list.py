"""Lists that cost the same in any table: by keyset, never counted, filters without an index bounded."""

from typing import Any, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from exports.admin.navigation import list_label
from exports.exporting.pagination import SCAN_ROWS

AFTER_VAR: Final = "after"
BEFORE_VAR: Final = "before"


class KeysetChangeList(ChangeList):
    """A page of rows in the order of one unique column, which is the first of the model admin's `ordering`.

    `next_query`, `previous_query`: query strings of the pages beside this one, or "". `scanned`: how many rows were
    looked through where a filter without an index stopped before it had filled the page, else 0.
    """

    # A PortalAdmin, which imports this module.
    model_admin: Any
    next_query = ""
    previous_query = ""
    scanned = 0
    _cursor: tuple[str, str] | None = None

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.title = str(list_label(self.model))
        self.is_newest_first = self.model_admin.ordering[0] == "-id"

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """Takes the cursor out of the parameters, which are lookups otherwise."""
        for name in (AFTER_VAR, BEFORE_VAR):
            if name in self.params:
                self._cursor = (name, self.params.pop(name))
                del self.filter_params[name]
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        """Reads one page and one row more, which tells whether there is a next page."""
        key = str(self.model_admin.ordering[0])
        name, is_descending = key.lstrip("-"), key.startswith("-")
        is_back = self._cursor is not None and self._cursor[0] == BEFORE_VAR
        downwards = is_descending != is_back
        candidates = self._beyond_cursor(self.root_queryset, name, downwards)
        rows = self._beyond_cursor(self.queryset, name, downwards).order_by(f"{'-' if downwards else ''}{name}")
        scan_end = self._scan_end(candidates, name, downwards)
        if scan_end is not None:
            rows = rows.filter(**{f"{name}__{'gte' if downwards else 'lte'}": scan_end})
        fetched = list(rows[: self.list_per_page + 1])
        has_more = len(fetched) > self.list_per_page
        shown = fetched[: self.list_per_page]
        self.scanned = SCAN_ROWS if scan_end is not None and not has_more else 0
        onward = getattr(shown[-1], name) if has_more else scan_end
        back = None
        if self._cursor is not None:
            back = getattr(shown[0], name) if shown else self._cursor[1]
        if is_back:
            shown, onward, back = shown[::-1], back, onward
        self.next_query = self._query(AFTER_VAR, onward)
        self.previous_query = self._query(BEFORE_VAR, back)
        self._set_results(shown)

    def _set_results(self, rows: list[Any]) -> None:
        self.result_list = rows
        self.result_count = len(rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False

    def _query(self, name: str, value: Any) -> str:
        return "" if value is None else self.get_query_string({name: str(value)})

    def _beyond_cursor(self, rows: QuerySet[Any], name: str, downwards: bool) -> QuerySet[Any]:
        if self._cursor is None:
            return rows
        try:
            value = self.model._meta.get_field(name).to_python(self._cursor[1])  # type: ignore[union-attr]
        except ValidationError as problem:
            raise IncorrectLookupParameters(problem) from problem
        return rows.filter(**{f"{name}__{'lt' if downwards else 'gt'}": value})

    def _scan_end(self, candidates: QuerySet[Any], name: str, downwards: bool) -> Any:
        """Returns the key of the last row that a filter without an index looks at; None where all may be looked at."""
        if not self.model_admin.is_large or not self._has_scanning_filter():
            return None
        order = f"{'-' if downwards else ''}{name}"
        keys = candidates.order_by(order).values_list(name, flat=True)
        return next(iter(keys[SCAN_ROWS - 1 : SCAN_ROWS]), None)

    def _has_scanning_filter(self) -> bool:
        return any(spec.used_parameters and not getattr(spec, "is_indexed", False) for spec in self.filter_specs)
