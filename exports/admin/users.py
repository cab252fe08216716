"""People: accounts, permissions, lost second factors, accounts that end."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import models
from exports.admin import columns
from exports.admin.columns import time_column
from exports.admin.model_admin import PortalAdmin
from exports.errors import ConflictError
from exports.people import accounts, security

# Whoever may change these may do everything: only superusers.
POWERS = ("is_staff", "is_superuser", "user_permissions")
# Permissions to do something, beside those to see a list.
ACTING = (
    "change_export",
    "change_outboxmessage",
    "change_token",
    "add_team",
    "change_team",
    "add_user",
    "change_user",
    "view_member",
    "add_member",
    "change_member",
    "delete_member",
)


class PermissionField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Permissions by what they allow, without the names of app and table."""

    def label_from_instance(self, obj: Permission) -> str:
        """Returns what it allows."""
        return str(obj.name)


@admin.register(models.User)
class UserAdmin(DjangoUserAdmin, PortalAdmin):  # type: ignore[type-arg]
    list_display = (
        "email",
        "name",
        columns.user_state,
        time_column("last_login", _l("Signed in"), _l("never")),
        time_column("date_joined", _l("Joined")),
    )
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    search_help_text = _l("Name or e-mail address")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined", "erased_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_l("Address"), {"fields": ("email_confirmed",)}),
        (_l("Permissions"), {"fields": ("is_active", *POWERS)}),
        (_l("Times"), {"fields": ("last_login", "date_joined", "erased_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    actions = ("reset_second_factors", "erase")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not for a deleted account, which would get a name again."""
        return super().has_change_permission(request, obj) and getattr(obj, "erased_at", None) is None

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offers the permissions that mean something in the site: to see each list, and to act."""
        views = [f"view_{model._meta.model_name}" for model in self.admin_site._registry]
        rows = Permission.objects.filter(content_type__app_label="exports", codename__in=[*views, *ACTING])
        return PermissionField(
            rows.order_by("content_type__model", "codename"),
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("What admins who are no superusers may see and do here."),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Only superusers give and take the permissions of staff; others could give themselves everything."""
        own = () if request.user.is_superuser else POWERS
        return (*self.readonly_fields, *own)

    def save_model(self, request: HttpRequest, obj: models.User, form: Any, change: bool) -> None:
        """Ends what a deactivated person did and received."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            accounts.deactivate_account(obj, request.user.get_username())

    @admin.action(description=_l("Delete accounts…"), permissions=["change"])
    def erase(self, request: HttpRequest, queryset: QuerySet[models.User]) -> HttpResponse | None:
        """Asks on a page of its own, then replaces name and address by neutral ones everywhere."""
        if "confirmed" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": _("Delete accounts"),
                "opts": self.model._meta,
                "users": queryset,
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, "admin/exports/erase.html", context)
        for user in queryset:
            try:
                erased = accounts.erase_account(user, request.user.get_username())
                text = _("Account deleted. Its history is now under the name %(name)s")
                self.message_user(request, text % {"name": erased.name}, messages.SUCCESS)
            except ConflictError as problem:
                self.message_user(request, f"{user.email}: {problem}", messages.WARNING)
        return None

    @admin.action(description=_l("Reset two-factor authentication"), permissions=["change"])
    def reset_second_factors(self, request: HttpRequest, queryset: QuerySet[models.User]) -> None:
        """Removes second factors and recovery codes, ends sessions, notifies the user and their teams."""
        for user in queryset:
            try:
                security.reset_second_factors(user, request.user.get_username())
                text = _("%(email)s signs in with the password alone now") % {"email": user.email}
                self.message_user(request, text, messages.SUCCESS)
            except ConflictError as problem:
                self.message_user(request, str(problem), messages.WARNING)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Always false: the history refers to users, so they are made inactive instead."""
        return False
