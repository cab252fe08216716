"""Credentials without their secrets, and projects."""

from django.contrib import admin

from exports import models
from exports.admin.model_admin import ReadOnlyAdmin


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "provider", "team", "origin", "used_at", "checked_at", "last_error")
    list_filter = ("provider",)
    list_select_related = ("team",)
    search_fields = ("name", "team__slug")
    ordering = ("-id",)


@admin.register(models.Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = ("id", "name", "remote_id", "credential", "team", "archived_at")
    list_filter = ("credential__provider",)
    list_select_related = ("credential", "team")
    search_fields = ("name", "=remote_id", "team__slug")
    ordering = ("-id",)
