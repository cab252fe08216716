"""The activity of all teams: who did what, staff included."""

from django.contrib import admin
from django.db.models import Q
from django.utils.translation import gettext_lazy as _l

from exports import models
from exports.admin import columns, search
from exports.admin.columns import text_column, time_column
from exports.admin.filters import TeamFilter
from exports.admin.model_admin import ReadOnlyAdmin


@admin.register(models.AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        time_column("at", _l("When")),
        "team",
        "actor",
        "verb",
        text_column("target", _l("Object")),
        text_column("detail", _l("Detail")),
        "address",
    )
    list_filter = (TeamFilter,)
    list_select_related = ("team",)
    search_fields = ("actor",)
    search_help_text = _l("Team, or e-mail address of a person")
    ordering = ("-id",)
    is_large = True

    def find(self, term: str) -> Q:
        """By the team, or by the person."""
        people = list(models.User.objects.filter(email__iexact=term).values_list("pk", flat=True))
        return Q(team_id__in=search.team_ids(term)) | Q(user_id__in=people)
