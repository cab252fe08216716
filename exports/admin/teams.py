"""Teams, users and API tokens."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from exports import models
from exports.admin.model_admin import PortalAdmin, ReadOnlyAdmin
from exports.errors import ConflictError
from exports.people import security


@admin.register(models.Token)
class TokenAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "member", "scope", "created_at", "used_at", "expires_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("member__team", "member__user")
    search_fields = ("=prefix", "member__user__email", "member__team__slug")
    ordering = ("-id",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Revoking needs the permission to change tokens."""
        return request.user.has_perm("exports.change_token")

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[models.Token]) -> None:
        """Revokes the tokens that are still valid."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} tokens were revoked.", messages.SUCCESS)


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """The members of a team."""

    model = models.Member
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(models.Team)
class TeamAdmin(PortalAdmin):
    list_display = ("name", "slug", "kept_bytes", "quota_bytes", "created_at")
    search_fields = ("name", "slug")
    ordering = ("name",)
    prepopulated_fields: ClassVar[dict[str, Sequence[str]]] = {"slug": ("name",)}
    inlines = (MemberInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always false: a team owns history, which is never deleted."""
        return False


@admin.register(models.User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Address", {"fields": ("email_confirmed",)}),
        ("What they may do", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    actions = ("reset_second_factors",)

    @admin.action(description="Take away lost second factors of the chosen people", permissions=["change"])
    def reset_second_factors(self, request: HttpRequest, queryset: QuerySet[models.User]) -> None:
        """Removes second factors and recovery codes, ends sessions, notifies the user and their teams."""
        for user in queryset:
            try:
                security.reset_second_factors(user, request.user.get_username())
                self.message_user(request, f"{user.email} signs in by password alone now.", messages.SUCCESS)
            except ConflictError as problem:
                self.message_user(request, str(problem), messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always false: the history refers to users, so they are made inactive instead."""
        return False
