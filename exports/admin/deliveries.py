"""Mails, alerts and webhooks on their way, with what became of them; webhooks can be sent again."""

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from exports import models
from exports.admin import columns, search
from exports.admin.columns import export_column, text_column, time_column
from exports.admin.filters import DeliveryFilter, DeliveryKindFilter, TeamFilter
from exports.admin.model_admin import ReadOnlyAdmin
from exports.admin.requests import staff_member
from exports.errors import ConflictError
from exports.models import outbox
from exports.notify import webhook_rules


@admin.register(models.OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = (
        columns.number,
        columns.delivery_state,
        "kind",
        export_column(),
        "team",
        time_column("created_at", _l("Created")),
        columns.delivery_time,
        "attempts",
        text_column("last_error", _l("Last error")),
    )
    list_filter = (DeliveryFilter, DeliveryKindFilter, TeamFilter)
    list_select_related = ("team",)
    search_fields = ("export",)
    search_help_text = _l("Number of a delivery or of its export")
    ordering = ("-id",)
    is_large = True
    actions = ("redeliver",)

    def find(self, term: str) -> Q:
        """By its number, or its export's."""
        return search.number_query(term, "pk", "export_id")

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        """Sending again needs the permission to change deliveries, although no field can be edited."""
        return request.user.has_perm("exports.change_outboxmessage")

    @admin.action(description=_l("Send again (webhooks)"), permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[models.OutboxMessage]) -> None:
        """Sends webhooks again with the same id and body, and says why not of each that cannot be."""
        done = 0
        for message in queryset:
            if message.kind != outbox.WEBHOOK:
                text = _("Delivery #%(pk)s is no webhook. Only webhooks can be sent again.") % {"pk": message.pk}
                self.message_user(request, text, messages.WARNING)
                continue
            try:
                webhook_rules.redeliver(message, staff_member(request))
                done += 1
            except ConflictError as problem:
                self.message_user(request, f"#{message.pk}: {problem}", messages.WARNING)
        if done:
            text = ngettext("%(count)s delivery is sent again", "%(count)s deliveries are sent again", done)
            self.message_user(request, text % {"count": done}, messages.SUCCESS)
