"""The form of a webhook."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.models import Webhook
from exports.notify.webhook_rules import MAX_URL_LENGTH
from exports.web.alert_forms import EVENT_CHOICES, USUAL_EVENTS
from exports.web.people_forms import ServiceErrorsForm


class WebhookForm(ServiceErrorsForm):
    """A webhook's address and events."""

    url = forms.CharField(
        label=_("Address"),
        max_length=MAX_URL_LENGTH,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Where the events are sent, by POST, like https://hooks.example.com/exports"),
    )
    events = forms.MultipleChoiceField(
        label=_("Send"), choices=EVENT_CHOICES, widget=forms.CheckboxSelectMultiple, initial=list(USUAL_EVENTS)
    )

    def __init__(self, webhook: Webhook | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"url": webhook.url, "events": webhook.events} if webhook else None)
