"""Forms about people: invitations, accounts, profiles, tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from exports.exporting.team_settings import MAX_NAME_LENGTH, MAX_ODD_CHANGE_PERCENT
from exports.models import Member, Team, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.models.token import READ, WRITE
from exports.sentences import translated
from exports.web.time_zone_field import TimeZoneField, is_offered_zone

# What each role may do.
ROLE_DESCRIPTIONS: Final = {
    OWNER: _("Can also manage credentials, members and settings"),
    MEMBER: _("Can also run exports and add projects"),
    VIEWER: _("Can view and download"),
}
SCOPE_CHOICES: Final = ((READ, _("Read")), (WRITE, _("Read and write")))
TOKEN_LIFETIMES: Final = (
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("365", _("A year")),
    ("", _("Never")),
)


class ServiceErrorsForm(forms.Form):
    """A form that can show the errors of a service."""

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Adds the texts to their fields; those that belong to no field are shown above the form."""
        for name, texts in errors.items():
            self.add_error(name if name in self.fields else None, list(texts))


def _role_choices() -> list[tuple[str, str]]:
    texts = {role: str(description) for role, description in ROLE_DESCRIPTIONS.items()}
    return [(role, f"{translated(label)}: {texts[role][0].lower()}{texts[role][1:]}") for role, label in Member.ROLES]


class InviteForm(ServiceErrorsForm):
    """An invitation: address and role."""

    email = forms.CharField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("Only this address can accept. Leave empty for a link anyone can use once."),
    )
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, choices=_role_choices, initial=MEMBER)


class DeleteTeamForm(ServiceErrorsForm):
    """The team's name, typed, before it is deleted."""

    name = forms.CharField(
        label=_("Type the team's name to confirm"),
        max_length=MAX_NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class RoleForm(ServiceErrorsForm):
    """A member's role."""

    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, choices=_role_choices)


class SignUpForm(ServiceErrorsForm):
    """A new account for an invited person. An invitation to an address fixes the account's address."""

    email = forms.CharField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 10 characters, not only digits, none of the common ones. Several words make a good one."),
    )
    # The browser's zone, which the script fills in; nobody is asked for it.
    time_zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-browser-zone": ""}))

    def clean_time_zone(self) -> str:
        """Returns a zone that the profile offers too, or ""."""
        zone = str(self.cleaned_data["time_zone"])
        return zone if is_offered_zone(zone) else ""

    def __init__(self, invited_email: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        if invited_email:
            self.fields["email"].required = False
            self.fields["email"].initial = invited_email
            self.fields["email"].disabled = True
            self.fields["email"].help_text = _("The invitation is for this address.")


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, time zone, colors and mail settings of a user."""

    time_zone = TimeZoneField(label=_("Time zone"), help_text=_("Used for all times"))
    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        choices=[("", _("As the browser asks")), *settings.LANGUAGES],
        help_text=_("Of pages and mails. As the browser asks: mails are in English."),
    )

    class Meta:
        model = User
        fields = ("name", "time_zone", "language", "theme", "shortcuts", "mail_success", "mail_failure")
        labels: Final = {
            "name": _("Name"),
            "theme": _("Theme"),
            "shortcuts": _("Keyboard shortcuts: single keys act on pages (? lists them)"),
            "mail_success": _("E-mail me when my exports succeed (small files attached)"),
            "mail_failure": _("E-mail me when my exports fail or are canceled"),
        }
        help_texts: Final = {"shortcuts": _("Single keys act on pages. Ctrl-K works in any case.")}
        widgets: Final = {"theme": forms.RadioSelect, "name": forms.TextInput(attrs={"autocomplete": "name"})}


class TeamForm(ServiceErrorsForm):
    """What a team's owners set."""

    name = forms.CharField(label=_("Name"), max_length=MAX_NAME_LENGTH, help_text=_("The team's address stays."))
    time_zone = TimeZoneField(
        label=_("Time zone"),
        help_text=_("Schedules run in it unless they have their own. Pages show times in each reader's zone."),
    )
    language = forms.ChoiceField(
        label=_("Language of messages"),
        choices=settings.LANGUAGES,
        help_text=_("Of messages to chats and phones, and of invitations. Pages and mails follow each reader."),
    )
    # The service checks its bounds, the browser shows them.
    odd_change_percent = forms.IntegerField(
        label=_("Files are unusual from a change of"),
        help_text=_("Percent more or fewer rows or bytes than the exports before. Empty: no file is called unusual."),
        required=False,
        widget=forms.NumberInput(attrs={"min": 1, "max": MAX_ODD_CHANGE_PERCENT, "inputmode": "numeric"}),
    )

    @staticmethod
    def values_of(team: Team) -> dict[str, Any]:
        """Returns the team's settings as initial values."""
        names = ("name", "time_zone", "language", "odd_change_percent")
        return {name: getattr(team, name) for name in names}


class DeleteAccountForm(ServiceErrorsForm):
    """Confirms that the user deletes their account, by their typed e-mail address."""

    address = forms.CharField(
        max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    )

    def __init__(self, user: User, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.user = user
        self.fields["address"].label = _("Type %(email)s to confirm") % {"email": user.email}

    def clean_address(self) -> str:
        """Returns the typed address. Raises ValidationError when it is not the user's."""
        address = str(self.cleaned_data["address"]).strip()
        if address.lower() != self.user.email.lower():
            raise forms.ValidationError(_("That's not your e-mail address."))
        return address


class TokenForm(ServiceErrorsForm):
    """A new API token for one of the user's teams."""

    team = forms.ChoiceField(label=_("Team"))
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What uses it, like “nightly script”."))
    scope = forms.ChoiceField(label=_("Permissions"), choices=SCOPE_CHOICES, initial=WRITE)
    days = forms.ChoiceField(label=_("Expires"), choices=TOKEN_LIFETIMES, required=False, initial="90")

    def __init__(self, members: Iterable[Member], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        team = self.fields["team"]
        assert isinstance(team, forms.ChoiceField)  # noqa: S101  for the type checker
        team.choices = [(str(member.pk), member.team.name) for member in members]
        if len(team.choices) == 1:
            team.widget = forms.HiddenInput()
            team.initial = str(next(iter(members)).pk)
