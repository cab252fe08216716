"""The admin site: staff see every team. What the engine keeps is read, never edited; secrets are never shown."""

from collections.abc import Sequence
from typing import Any, ClassVar

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin
import allauth.usersessions.admin  # noqa: F401  all of them register what is taken back below
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from exports import models
from exports.errors import ConflictError, InvalidError
from exports.exporting import actions
from exports.people import security

admin.site.site_header = admin.site.site_title = "Export portal: staff"
# Signing in is the same for staff as for everybody, second factor and limits included.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
# Addresses stand with their person; factors and sessions hold what is not for eyes.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken])

# Fields that hold something encrypted_secrets, or a claim of the engine: not for eyes.
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


# The stubs' generics do not exist when it runs.
class PortalAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Lists that cost the same however much there is, and no secrets."""

    list_per_page = 50
    show_full_result_count = False
    exclude = HIDDEN_FIELDS


class ReadOnlyAdmin(PortalAdmin):
    """Nothing is added, changed or deleted here: the engine's invariants hold only through the engine."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ChangeInline(admin.TabularInline):  # type: ignore[type-arg]
    """The history of an export."""

    model = models.Change
    fields = ("seq", "at", "from_status", "to_status", "source", "actor", "provider_status", "note")
    ordering = ("seq",)
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Export)
class ExportAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "status",
        "step",
        "team",
        "project",
        "type",
        "user",
        "created_at",
        "next_step_at",
        "error_code",
    )
    list_filter = ("status", "step", "error_code", "type", "trigger")
    list_select_related = ("team", "project", "user")
    search_fields = ("=id", "=remote_id", "project__name", "project__remote_id", "user__email", "team__slug")
    ordering = ("-id",)
    inlines = (ChangeInline,)
    actions = ("write_off", "redrive")

    def has_write_off_permission(self, request: HttpRequest) -> bool:
        """Acting on exports takes the permission to change them, although no field can be edited."""
        return request.user.has_perm("exports.change_export")

    @admin.action(description="Take the next step of the chosen exports now", permissions=["write_off"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Has the next step taken now; what has ended is named."""
        done = 0
        for export in queryset:
            try:
                actions.redrive(export)
                done += 1
            except ConflictError as problem:
                self.message_user(request, str(problem), messages.WARNING)
        if done:
            self.message_user(request, f"The next step of {done} exports is due now.", messages.SUCCESS)

    @admin.action(description="Cancel the chosen exports, with a reason …", permissions=["write_off"])
    def write_off(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> HttpResponse | None:
        """Asks for the reason, which the team reads in the history, then cancels."""
        exports = list(queryset.select_related("project__credential", "team"))
        reason = request.POST.get("reason", "").strip()
        if "reason" not in request.POST or not reason:
            context = {
                **self.admin_site.each_context(request),
                "title": "Cancel exports",
                "opts": self.model._meta,
                "exports": exports,
                "ids": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "checkbox": ACTION_CHECKBOX_NAME,
                "wrong": "reason" in request.POST,
            }
            return TemplateResponse(request, "admin/exports/write_off.html", context)
        done = 0
        for export in exports:
            try:
                actions.write_off(export, actor=request.user.get_username(), reason=reason)
                done += 1
            except (ConflictError, InvalidError) as problem:
                self.message_user(request, str(problem), messages.WARNING)
        if done:
            self.message_user(request, f"{done} exports were canceled.", messages.SUCCESS)
        return None


@admin.register(models.Change)
class ChangeAdmin(ReadOnlyAdmin):
    list_display = ("id", "export_id", "at", "from_status", "to_status", "source", "actor", "provider_status")
    list_filter = ("to_status", "source")
    search_fields = ("=export__id", "=actor")
    ordering = ("-id",)


@admin.register(models.Call)
class CallAdmin(ReadOnlyAdmin):
    list_display = ("id", "at", "method", "url", "status", "seconds", "error", "export_id", "credential_id")
    list_filter = ("method",)
    search_fields = ("=export__id", "=correlation")
    ordering = ("-id",)


@admin.register(models.File)
class FileAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "team", "size", "verified_at", "expires_at", "deleted_at")
    list_select_related = ("team",)
    search_fields = ("name", "=sha256")
    ordering = ("-id",)


@admin.register(models.OutboxMessage)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("id", "export_id", "kind", "key", "due_at", "sent_at", "attempts", "last_error")
    list_filter = ("kind",)
    search_fields = ("=export__id",)
    ordering = ("-id",)


@admin.register(models.RateLimitPause)
class PauseAdmin(ReadOnlyAdmin):
    list_display = ("credential", "rate_class", "until", "reason")
    list_select_related = ("credential",)
    ordering = ("-until",)


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at")
    ordering = ("-at",)


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "provider", "team", "origin", "used_at", "checked_at", "last_error")
    list_filter = ("provider",)
    list_select_related = ("team",)
    search_fields = ("name", "team__slug")
    ordering = ("-id",)


@admin.register(models.Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "remote_id", "credential", "team")
    list_filter = ("credential__provider",)
    list_select_related = ("credential", "team")
    search_fields = ("name", "=remote_id", "team__slug")
    ordering = ("-id",)


@admin.register(models.Token)
class TokenAdmin(ReadOnlyAdmin):
    list_display = ("prefix", "name", "member", "scope", "created_at", "used_at", "expires_at", "revoked_at")
    list_filter = ("scope",)
    list_select_related = ("member__team", "member__user")
    search_fields = ("=prefix", "member__user__email", "member__team__slug")
    ordering = ("-id",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Revoking takes the permission to change tokens."""
        return request.user.has_perm("exports.change_token")

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[models.Token]) -> None:
        """From now on they open nothing."""
        count = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{count} tokens were revoked.", messages.SUCCESS)


class MemberInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who is in the team."""

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
        """A team holds history, which is never deleted."""
        return False


@admin.register(models.User)
class UserAdmin(StockUserAdmin):  # type: ignore[type-arg]
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
        """Factors and recovery codes go, sessions end; their teams and they themselves are told."""
        for user in queryset:
            try:
                security.reset_second_factors(user, request.user.get_username())
                self.message_user(request, f"{user.email} signs in by password alone now.", messages.SUCCESS)
            except ConflictError as problem:
                self.message_user(request, str(problem), messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """History names people: they are made inactive instead."""
        return False
