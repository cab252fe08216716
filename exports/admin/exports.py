"""Exports, and what was recorded of them: changes, calls, files, outbox messages."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from exports import models
from exports.admin.model_admin import ReadOnlyAdmin, ReadOnlyInline
from exports.errors import ConflictError, InvalidError
from exports.exporting import actions, fetch_again
from exports.exporting.create import Requester


class ChangeInline(ReadOnlyInline):
    """The history of an export."""

    model = models.Change
    fields = ("seq", "at", "from_status", "to_status", "source", "actor", "provider_status", "note")
    ordering = ("seq",)


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
    actions = ("write_off", "redrive", "fetch_again")

    def has_write_off_permission(self, request: HttpRequest) -> bool:
        """All actions need the permission to change exports, although no field can be edited."""
        return request.user.has_perm("exports.change_export")

    @admin.action(description="Take the next step of the chosen exports now", permissions=["write_off"])
    def redrive(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Makes the next step due now. A message names each export that has ended already."""
        done = 0
        for export in queryset:
            try:
                actions.redrive(export)
                done += 1
            except ConflictError as problem:
                self.message_user(request, str(problem), messages.WARNING)
        if done:
            self.message_user(request, f"The next step of {done} exports is due now.", messages.SUCCESS)

    @admin.action(description="Fetch the files of the chosen exports again", permissions=["write_off"])
    def fetch_again(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> None:
        """Makes an export for each that fetches the file of its job again, for the person who asked for it."""
        done = 0
        for export in queryset.select_related("project__credential", "user", "file"):
            requester = Requester(export.user, "staff", "retry", request.user.get_username())
            try:
                fetch_again.fetch_again(export, requester)
                done += 1
            except (ConflictError, InvalidError) as problem:
                self.message_user(request, str(problem), messages.WARNING)
        if done:
            self.message_user(request, f"The files of {done} exports are fetched again.", messages.SUCCESS)

    @admin.action(description="Cancel the chosen exports, with a reason …", permissions=["write_off"])
    def write_off(self, request: HttpRequest, queryset: QuerySet[models.Export]) -> HttpResponse | None:
        """Asks for a reason on a page of its own, which the team reads in the history, then cancels."""
        exports = list(queryset.select_related("project__credential", "team"))
        reason = request.POST.get("reason", "").strip()
        if "reason" not in request.POST or not reason:
            context = {
                **self.admin_site.each_context(request),
                "title": "Cancel exports",
                "opts": self.model._meta,
                "exports": exports,
                "export_ids": request.POST.getlist(ACTION_CHECKBOX_NAME),
                "checkbox_name": ACTION_CHECKBOX_NAME,
                "reason_missing": "reason" in request.POST,
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
    list_display = ("id", "name", "team", "size", "verified_at", "unchecked", "expires_at", "deleted_at")
    list_select_related = ("team",)
    search_fields = ("name", "=sha256")
    ordering = ("-id",)


@admin.register(models.OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "export_id", "kind", "key", "due_at", "sent_at", "attempts", "last_error")
    list_filter = ("kind",)
    search_fields = ("=export__id",)
    ordering = ("-id",)
