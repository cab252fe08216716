"""The state of the engine: heartbeats of its processes, pauses of rate limits."""

from django.contrib import admin

from exports import models
from exports.admin.model_admin import ReadOnlyAdmin


@admin.register(models.RateLimitPause)
class RateLimitPauseAdmin(ReadOnlyAdmin):
    list_display = ("credential", "rate_class", "until", "reason")
    list_select_related = ("credential",)
    ordering = ("-until",)


@admin.register(models.Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ("name", "at", "queues", "slots", "busy")
    ordering = ("-at",)
