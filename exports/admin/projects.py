"""Credentials without their secrets, projects, and schedules with what became of their times."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _l

from exports import models
from exports.admin import columns, search
from exports.admin.columns import code_column, export_column, text_column, time_column
from exports.admin.filters import CredentialProviderFilter, ProjectProviderFilter, TeamFilter
from exports.admin.model_admin import ReadOnlyAdmin


@admin.register(models.Credential)
class CredentialAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        "name",
        columns.credential_status,
        columns.credential_provider,
        "team",
        time_column("used_at", _l("Used")),
        time_column("checked_at", _l("Tested")),
        text_column("last_error", _l("Last error")),
    )
    list_filter = (CredentialProviderFilter, TeamFilter)
    list_select_related = ("team",)
    search_fields = ("name", "team__slug")
    search_help_text = _l("Name or team")
    ordering = ("-id",)


@admin.register(models.Project)
class ProjectAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        columns.project_name,
        columns.project_state,
        code_column("remote_id", _l("Id at the provider")),
        "team",
        time_column("last_good_at", _l("Last good export")),
    )
    list_filter = (ProjectProviderFilter, TeamFilter)
    list_select_related = ("credential", "team")
    search_fields = ("name", "remote_id", "team__slug")
    search_help_text = _l("Name, id at the provider, or team")
    ordering = ("-id",)


@admin.register(models.Schedule)
class ScheduleAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        columns.schedule_state,
        "project",
        "type",
        code_column("cron", _l("Times")),
        "zone_name",
        time_column("next_run_at", _l("Next run")),
        "failures_in_a_row",
        "team",
    )
    list_filter = ("enabled", TeamFilter)
    list_select_related = ("project", "team")
    search_fields = ("project__name", "team__slug")
    search_help_text = _l("Project or team")
    ordering = ("-id",)


@admin.register(models.ScheduleRun)
class ScheduleRunAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        "schedule",
        time_column("planned_at", _l("Planned")),
        time_column("at", _l("Happened")),
        "outcome",
        export_column(),
        text_column("note", _l("Note")),
    )
    list_select_related = ("schedule__project",)
    search_fields = ("schedule",)
    search_help_text = _l("Number of a schedule")
    ordering = ("-id",)
    is_large = True

    def find(self, term: str) -> Q:
        """By the number of the schedule."""
        return search.number_query(term, "schedule_id")
