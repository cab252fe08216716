"""What was recorded of exports: their changes, the calls to providers, their files."""

from django.contrib import admin
from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import models
from exports.admin import columns, search
from exports.admin.columns import code_column, export_column, size_column, text_column, time_column
from exports.admin.filters import FileStateFilter, TeamFilter
from exports.admin.model_admin import ReadOnlyAdmin
from exports.templatetags.admin_pages import NOTHING
from exports.templatetags.elements import state, tone_state


class RecordOfExportAdmin(ReadOnlyAdmin):
    """Rows of exports, the newest first, searched by the number of the export."""

    search_fields = ("export",)
    search_help_text = _l("Number of an export")
    ordering = ("-id",)
    is_large = True

    def find(self, term: str) -> Q:
        """By the number of the export."""
        return search.number_query(term, "export_id")


@admin.register(models.Change)
class ChangeAdmin(RecordOfExportAdmin):
    list_display = (
        columns.number,
        export_column(),
        time_column("at", _l("When")),
        "change",
        "source",
        "actor",
        text_column("provider_status", _l("Provider's word")),
        text_column("note", _l("Note")),
    )

    @admin.display(description=_l("Change"))
    def change(self, row: models.Change) -> SafeString:
        """The new status."""
        return state(row.to_status)


@admin.register(models.Call)
class CallAdmin(RecordOfExportAdmin):
    list_display = (
        columns.number,
        export_column(),
        time_column("at", _l("When")),
        "call",
        "answer",
        "took",
        text_column("error", _l("Error")),
        code_column("correlation", _l("Trace")),
    )

    @admin.display(description=_l("Call"))
    def call(self, row: models.Call) -> SafeString:
        """Method and address, without secrets."""
        return format_html('<code class="cut long" title="{0} {1}">{0} {1}</code>', row.method, row.url)

    @admin.display(description=_l("Answer"))
    def answer(self, row: models.Call) -> SafeString | str:
        """The HTTP status."""
        if row.status is None:
            return tone_state("bad", _("None"), "x-circle") if row.error else NOTHING
        return tone_state("bad", str(row.status), "alert") if row.status >= 400 else str(row.status)

    @admin.display(description=_l("Took"))
    def took(self, row: models.Call) -> str:
        """How long it lasted."""
        return f"{row.seconds:.2f} s"


@admin.register(models.File)
class FileAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        text_column("name", _l("Name")),
        columns.file_state,
        "team",
        size_column("size", _l("Size")),
        time_column("verified_at", _l("Verified")),
        time_column("expires_at", _l("Expires")),
        time_column("deleted_at", _l("Deleted")),
    )
    list_filter = (FileStateFilter, TeamFilter)
    list_select_related = ("team",)
    search_fields = ("id",)
    search_help_text = _l("Number of a file or of its export")
    ordering = ("-id",)
    is_large = True

    def find(self, term: str) -> Q:
        """By its number, or its export's."""
        return search.file_query(term)
