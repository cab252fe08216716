"""Forms for credentials, built from the secret fields that a provider declares."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.providers.contract import Provider, SecretField
from exports.sentences import translated

OTHER_ORIGIN: Final = "other"
# Names that providers give to their services and to revisions of their APIs.
WORDS: Final = {
    "production": gettext_lazy("Production"),
    "sandbox": gettext_lazy("Sandbox"),
    "china": gettext_lazy("China"),
    "current": gettext_lazy("Current"),
    "seed": gettext_lazy("Seed"),
}


def _field(secret: SecretField) -> forms.Field:
    """Returns the form field of a secret. A typed value is only sent back to the page if the field is public."""
    label, help_text = translated(secret.label), translated(secret.help)
    # `required` is not enforced here: a provider may accept this field or three others instead.
    if secret.choices:
        choices = [("", _("Not set")), *((value, translated(label)) for value, label in secret.choices)]
        return forms.ChoiceField(label=label, help_text=help_text, choices=choices, required=False)
    widget = forms.TextInput() if secret.is_public else forms.PasswordInput(render_value=False)
    widget.attrs |= {"autocomplete": "off" if secret.is_public else "new-password", "spellcheck": "false"}
    return forms.CharField(label=label, help_text=help_text, widget=widget, required=False, max_length=4000)


class SecretsForm(forms.Form):
    """The secret fields of a provider."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.provider = provider
        self.required_by_name = {secret.name: secret.required for secret in provider.secrets}
        for secret in provider.secrets:
            self.fields[f"secret-{secret.name}"] = _field(secret)

    def secret_fields(self) -> list[tuple[BoundField, bool]]:
        """Returns each secret's field, and whether the provider always requires it."""
        return [(self[f"secret-{name}"], required) for name, required in self.required_by_name.items()]

    def secrets(self) -> dict[str, str]:
        """Returns the secrets that are not empty. Call it when valid."""
        values = {name: self.cleaned_data.get(f"secret-{name}", "") for name in self.required_by_name}
        return {name: value for name, value in values.items() if value}

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
        """Adds errors of the service to their fields; returns the texts that belong to no field."""
        rest: list[str] = []
        for name, texts in errors.items():
            field = self.form_field_name(name)
            if field in self.fields:
                self.add_error(field, list(texts))
            else:
                rest += texts
        return rest

    def form_field_name(self, name: str) -> str:
        """Returns the form's field for a name in the service's errors."""
        return name.replace("secrets.", "secret-", 1)


class ReplaceSecretsForm(SecretsForm):
    """New secrets for an existing credential. No field is required: those that are left empty keep their value."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(provider, data, **kwargs)
        self.required_by_name = dict.fromkeys(self.required_by_name, True)
        self.fields["anyway"] = forms.BooleanField(label=_("Replace even if the test fails"), required=False)

    @property
    def anyway(self) -> bool:
        """Whether the secrets are stored even if their check fails. Call it when valid."""
        return bool(self.cleaned_data["anyway"])


class CredentialForm(SecretsForm):
    """A new credential: its name, where the provider is, the secrets."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(provider, data, **kwargs)
        address = forms.CharField(
            label=_("Custom address") if provider.origins else _("Address"),
            max_length=300,
            required=not provider.origins,
            widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "placeholder": "https://"}),
            help_text=translated(provider.address_help)
            or _("For a compatible service: what comes before the provider's paths."),
        )
        self.fields = {
            "name": forms.CharField(label=_("Name"), max_length=100, help_text=_("A name your team will recognise")),
            **self.fields,
            **({"origin": _origin_field(provider)} if provider.origins else {}),
            "address": address,
        }
        if provider.dialects:
            self.fields["dialect"] = _dialect_field(provider)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("origin") == OTHER_ORIGIN and not self.cleaned_data.get("address"):
            self.add_error("address", _("Enter the address, or choose one of the provider's."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """Returns the arguments of `service.create_credential`. Call it when valid."""
        data = self.cleaned_data
        return {
            "provider": self.provider.slug,
            "name": data["name"],
            "secrets": self.secrets(),
            "origin": data.get("address", "").strip() or data.get("origin", ""),
            "dialect": data.get("dialect", ""),
        }

    def form_field_name(self, name: str) -> str:
        return "address" if name == "origin" else super().form_field_name(name)


def _word(name: str) -> str:
    return str(WORDS.get(name, name.capitalize()))


def _origin_field(provider: Provider) -> forms.ChoiceField:
    notes = provider.origin_notes
    origins = [
        (name, f"{_word(name)}: {address}{' — ' + translated(notes[name]) if name in notes else ''}")
        for name, address in provider.origins.items()
    ]
    choices = [*origins, (OTHER_ORIGIN, _("Custom address"))]
    return forms.ChoiceField(label=_("Service address"), choices=choices, initial=origins[0][0])


def _dialect_field(provider: Provider) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("API version"),
        choices=[(name, _word(name)) for name in provider.dialects],
        required=False,
    )
