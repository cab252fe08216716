"""Base classes of the model admins: constant query counts, no secrets, read-only rows."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

# Fields with encrypted content, and internals of the engine.
HIDDEN_FIELDS = (
    "encrypted_secrets",
    "encrypted_grant",
    "encrypted_link",
    "grant_locked_until",
    "digest",
    "baseline",
    "memo",
    "options_key",
)


# ModelAdmin is generic only in the type stubs, not at run time.
class PortalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists without the count of all rows, whose cost would grow with the table, and forms without HIDDEN_FIELDS."""

    list_per_page = 50
    show_full_result_count = False
    exclude = HIDDEN_FIELDS


class ReadOnlyMixin:
    """Forbids adding, changing and deleting, which would bypass the engine's invariants."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(ReadOnlyMixin, PortalAdmin):
    """A model whose rows staff can only read."""


class ReadOnlyInline(ReadOnlyMixin, admin.TabularInline):  # type: ignore[type-arg]
    """Related rows that staff can only read."""

    extra = 0
