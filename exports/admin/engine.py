"""The state of the engine: heartbeats of its processes, open circuits, pauses of rate limits."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock, models
from exports.admin.columns import text_column, time_column
from exports.admin.model_admin import ReadOnlyAdmin
from exports.metrics.workers import BEAT, SILENT
from exports.templatetags.admin_pages import NOTHING
from exports.templatetags.elements import tone_state


@admin.register(models.RateLimitPause)
class RateLimitPauseAdmin(ReadOnlyAdmin):
    list_display = (
        "credential",
        "team",
        "rate_class",
        time_column("until", _l("Until")),
        text_column("reason", "Reason"),
    )
    list_select_related = ("credential__team",)
    ordering = ("-id",)

    @admin.display(description=_l("Team"))
    def team(self, pause: models.RateLimitPause) -> str:
        """Whose credential it is."""
        return str(pause.credential.team)


@admin.register(models.OpenCircuit)
class OpenCircuitAdmin(ReadOnlyAdmin):
    list_display = (
        "origin",
        time_column("since", _l("Since")),
        time_column("until", _l("Tried again")),
        "trip_count",
        text_column("reason", _l("Reason")),
    )
    ordering = ("-id",)


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "state", time_column("at", _l("Last seen")), "queue_names", "busy_slots")
    ordering = ("name",)

    @admin.display(description=_l("State"))
    def state(self, row: models.Heartbeat) -> SafeString:
        """Whether the process is there, and a node has its broker."""
        if row.at < clock.now() - SILENT:
            return tone_state("bad", _("Gone"), "x-circle")
        if not row.queues and not row.name.startswith(f"{BEAT}:"):
            return tone_state("warn", _("No broker"), "alert")
        return tone_state("good", _("Live"), "check")

    @admin.display(description=_l("Busy"))
    def busy_slots(self, row: models.Heartbeat) -> str:
        """Busy slots, of all."""
        return f"{row.busy} / {row.slots}" if row.slots else NOTHING

    @admin.display(description=_l("Queues"))
    def queue_names(self, row: models.Heartbeat) -> SafeString | str:
        """The queues that a node consumes."""
        return format_html_join(" ", "<code>{}</code>", ((name,) for name in row.queues)) or NOTHING
