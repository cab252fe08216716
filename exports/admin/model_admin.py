"""Base classes of the model admins: lists of constant cost, no secrets, read-only rows."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from exports.admin.change_list import KeysetChangeList

# Fields with encrypted content, and internals of the engine.
HIDDEN_FIELDS = (
    "encrypted_secrets",
    "encrypted_grant",
    "encrypted_link",
    "encrypted_address",
    "encrypted_secret",
    "encrypted_previous_secret",
    "grant_locked_until",
    "digest",
    "baseline",
    "memo",
    "options_key",
    "payload",
    "recipient",
)


# ModelAdmin is generic only in the type stubs, not at run time.
class PortalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists by keyset, in the order of the unique column `ordering[0]`, and forms without HIDDEN_FIELDS.

    `is_large`: the table grows with the history of exports, so filters without an index look at a part of it only.
    `search_fields` shows the search box; `find` says what is looked for.
    """

    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    exclude = HIDDEN_FIELDS
    sortable_by = ()
    is_large = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        """The list by keyset."""
        return KeysetChangeList

    @admin.display(description=mark_safe('<input type="checkbox" id="action-toggle">'))
    def action_checkbox(self, obj: Any) -> SafeString:
        """The box of a row, in the portal's look."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select box" aria-label="{}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            _("Select %(row)s") % {"row": obj},
        )

    def find(self, term: str) -> Q | None:
        """Returns the condition of the rows that a search term means; None for Django's search in `search_fields`."""
        return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Uses `find`, whose conditions have indices."""
        term = search_term.strip()
        found = self.find(term) if term else None
        if found is None:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(found), False


class ReadOnlyMixin:
    """Forbids adding, changing and deleting, which would bypass the engine's invariants."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, PortalAdmin):
    """A model whose rows staff can only read: all columns but HIDDEN_FIELDS, also those that no form may have."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Every column that may be shown."""
        return [field.name for field in self.opts.concrete_fields if field.name not in HIDDEN_FIELDS]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the related rows that the list names, also on the page of one row."""
        rows = super().get_queryset(request)
        return rows.select_related(*self.list_select_related) if self.list_select_related else rows  # type: ignore[misc]


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline):  # type: ignore[type-arg]
    """Related rows that staff can only read."""

    extra = 0
