"""Forms for alerts and for what a person is mailed."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from exports.models import Alert, Member, Team
from exports.models import event as events
from exports.models.alert import DAILY, DISCORD, MAIL, NO_DIGEST, NTFY, SLACK, TEAMS
from exports.notify import mail_choices
from exports.web.people_forms import ServiceErrorsForm

EVENT_CHOICES: Final = (
    (events.EXPORT_FAILED, _("An export failed")),
    (events.EXPORT_SUCCEEDED, _("An export succeeded")),
    (events.EXPORT_CANCELED, _("An export was canceled")),
    (events.PROJECT_OVERDUE, _("A project is late: no good export within its target")),
    (events.PROJECT_FRESH, _("A late project is fresh again")),
    (events.SCHEDULE_DISABLED, _("A schedule stopped by itself")),
    (events.CREDENTIAL_REFUSED, _("A provider rejected a credential")),
    (events.FILE_CHANGED_ODDLY, _("A file looks unusual against those before")),
    (events.FILE_DAMAGED, _("A kept file is damaged or gone")),
    (events.TEAM_QUOTA, _("The team's storage is nearly full")),
)
# In a list, where a few words must do.
SHORT_LABELS: Final = {
    events.EXPORT_FAILED: _("failed"),
    events.EXPORT_SUCCEEDED: _("succeeded"),
    events.EXPORT_CANCELED: _("canceled"),
    events.PROJECT_OVERDUE: _("late projects"),
    events.PROJECT_FRESH: _("fresh again"),
    events.SCHEDULE_DISABLED: _("stopped schedules"),
    events.CREDENTIAL_REFUSED: _("rejected credentials"),
    events.FILE_CHANGED_ODDLY: _("unusual files"),
    events.FILE_DAMAGED: _("damaged files"),
    events.TEAM_QUOTA: _("storage"),
}
# What a new alert is offered: what somebody has to act on.
USUAL_EVENTS: Final = (
    events.EXPORT_FAILED,
    events.PROJECT_OVERDUE,
    events.SCHEDULE_DISABLED,
    events.CREDENTIAL_REFUSED,
    events.FILE_CHANGED_ODDLY,
    events.FILE_DAMAGED,
    events.TEAM_QUOTA,
)
KIND_LABELS: Final = {
    MAIL: _("E-mail"),
    SLACK: _("Slack"),
    TEAMS: _("Microsoft Teams"),
    DISCORD: _("Discord"),
    NTFY: _("ntfy"),
}
ADDRESS_HELP: Final = {
    MAIL: _("The confirmed address of a member of this team."),
    SLACK: _(
        "At api.slack.com/apps: your app, Incoming Webhooks, Add New Webhook. It begins with"
        " https://hooks.slack.com/services/. Encrypted when you save, never shown again."
    ),
    TEAMS: _(
        "At the channel: Workflows, Post to a channel when a webhook request is received."
        " Encrypted when you save, never shown again."
    ),
    DISCORD: _(
        "At the channel: Edit Channel, Integrations, Webhooks, Copy Webhook URL. It begins with"
        " https://discord.com/api/webhooks/. Encrypted when you save, never shown again."
    ),
    NTFY: _(
        "The server and a topic that nobody can guess, like https://ntfy.sh/your-topic."
        " Encrypted when you save, never shown again."
    ),
}
DIGEST_CHOICES: Final = ((NO_DIGEST, _("At once, a message each")), (DAILY, _("One message a day, at 8:00")))
SCOPE_CHOICES: Final = (
    (mail_choices.SCOPE_MINE, _("My exports and schedules")),
    (mail_choices.SCOPE_ALL, _("Everything in the team")),
    (mail_choices.SCOPE_NONE, _("Nothing")),
)


class AlertForm(ServiceErrorsForm):
    """An alert of one kind. Of one that exists, an empty address stays as it is; it is never sent back to a page."""

    address = forms.CharField(label=_("Address"), max_length=2000)
    events = forms.MultipleChoiceField(
        label=_("Tell about"), choices=EVENT_CHOICES, widget=forms.CheckboxSelectMultiple, initial=list(USUAL_EVENTS)
    )
    digest = forms.ChoiceField(
        label=_("How often"), choices=DIGEST_CHOICES, widget=forms.RadioSelect, initial=NO_DIGEST
    )

    def __init__(
        self, team: Team, kind: str, alert: Alert | None = None, data: Mapping[str, Any] | None = None
    ) -> None:
        initial = {"events": alert.events, "digest": alert.digest} if alert else None
        super().__init__(data, initial=initial)
        self.fields["digest"].help_text = _("In the team's time zone, %(zone)s.") % {"zone": team.time_zone}
        address = self.fields["address"]
        address.help_text = ADDRESS_HELP[kind]
        # What was typed is a secret, except a member's mail address.
        address.widget = forms.EmailInput() if kind == MAIL else forms.PasswordInput(render_value=False)
        address.widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}
        if alert is not None:
            address.required = False
            address.label = _("New address")
            address.help_text = _("Leave it empty to keep the one in use.")

    def values(self) -> dict[str, Any]:
        """What is given, as `alert_rules` takes it."""
        return {name: value for name, value in self.cleaned_data.items() if value != ""}


class MailChoicesForm(forms.Form):
    """What a member is mailed of one team."""

    mail_scope = forms.ChoiceField(label=_("E-mail me about"), choices=SCOPE_CHOICES, widget=forms.RadioSelect)
    mail_events = forms.MultipleChoiceField(
        label=_("When"), choices=EVENT_CHOICES, widget=forms.CheckboxSelectMultiple, required=False
    )

    def __init__(self, member: Member, data: Mapping[str, Any] | None = None) -> None:
        # Of everything: with another scope, events of other people's exports are left out anyway.
        chosen = mail_choices.chosen_events(member, member.user, mail_choices.SCOPE_ALL)
        initial = {"mail_scope": member.mail_scope, "mail_events": sorted(chosen)}
        super().__init__(data, initial=initial, prefix=f"team-{member.pk}")
