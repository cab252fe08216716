"""Forms about people: invitations, accounts, profiles, tokens."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from exports.models import Member, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.models.token import READ, WRITE

# What each role may do.
ROLE_DESCRIPTIONS: Final = {
    OWNER: _("Everything a member does, and holds credentials, members and this team's activity."),
    MEMBER: _("Exports, adds projects, downloads."),
    VIEWER: _("Looks and downloads."),
}
SCOPE_CHOICES: Final = ((READ, _("Read")), (WRITE, _("Read and write")))
TOKEN_LIFETIMES: Final = (
    ("", _("Until it is revoked")),
    ("30", _("30 days")),
    ("90", _("90 days")),
    ("365", _("A year")),
)


class ServiceErrorsForm(forms.Form):
    """A form that can show the errors of a service."""

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Adds the texts to their fields; those that belong to no field are shown above the form."""
        for name, texts in errors.items():
            self.add_error(name if name in self.fields else None, list(texts))


def _role_choices() -> list[tuple[str, str]]:
    texts = {role: str(description) for role, description in ROLE_DESCRIPTIONS.items()}
    return [(role, f"{label}: {texts[role][0].lower()}{texts[role][1:]}") for role, label in Member.ROLES]


class InviteForm(ServiceErrorsForm):
    """An invitation: address and role."""

    email = forms.CharField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("The link is mailed there, and only this address can take it. Empty: whoever has the link can."),
    )
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, choices=_role_choices, initial=MEMBER)


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

    def __init__(self, invited_email: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        if invited_email:
            self.fields["email"].required = False
            self.fields["email"].initial = invited_email
            self.fields["email"].disabled = True
            self.fields["email"].help_text = _("The invitation is for this address.")


def _time_zone_choices() -> list[tuple[str, Any]]:
    """Returns UTC and every time zone grouped by region. Other names without a region are deprecated aliases."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in ("Etc", "SystemV", "US", "posix", "right"):
            regions.setdefault(region, []).append((name, place.replace("_", " ")))
    return [("UTC", "UTC"), *regions.items()]


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """Name, time zone, colors and mail settings of a user."""

    time_zone = forms.ChoiceField(label=_("Time zone"), help_text=_("All times on pages are shown in it."))

    class Meta:
        model = User
        fields = ("name", "time_zone", "theme", "mail_success", "mail_failure")
        labels: Final = {
            "name": _("Name"),
            "theme": _("Colors"),
            "mail_success": _("Mail me when an export of mine succeeds, with its file if it is small"),
            "mail_failure": _("Mail me when an export of mine fails or is canceled"),
        }
        widgets: Final = {"theme": forms.RadioSelect, "name": forms.TextInput(attrs={"autocomplete": "name"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone = self.fields["time_zone"]
        assert isinstance(zone, forms.ChoiceField)  # noqa: S101  for the type checker
        zone.choices = lazy(_time_zone_choices, list)()


class TokenForm(ServiceErrorsForm):
    """A new API token for one of the user's teams."""

    team = forms.ChoiceField(label=_("Team"))
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("What uses it, like “nightly script”."))
    scope = forms.ChoiceField(label=_("It may"), choices=SCOPE_CHOICES, initial=WRITE)
    days = forms.ChoiceField(label=_("It lasts"), choices=TOKEN_LIFETIMES, required=False)

    def __init__(self, members: Iterable[Member], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        team = self.fields["team"]
        assert isinstance(team, forms.ChoiceField)  # noqa: S101  for the type checker
        team.choices = [(str(member.pk), member.team.name) for member in members]
        if len(team.choices) == 1:
            team.widget = forms.HiddenInput()
            team.initial = str(next(iter(members)).pk)
