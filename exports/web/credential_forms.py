"""Forms for credentials, drawn from the provider's declaration."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _

from exports.providers.contract import Provider, SecretField

OTHER_ORIGIN: Final = "other"


def _field(secret: SecretField) -> forms.Field:
    """A secret's field. What was typed is never sent back to the page, except what hides nothing."""
    # `required` stays the provider's to judge: one may want either this field or three others.
    if secret.choices:
        choices = [("", _("Not said")), *secret.choices]
        return forms.ChoiceField(label=secret.label, help_text=secret.help, choices=choices, required=False)
    widget = forms.TextInput() if secret.is_public else forms.PasswordInput(render_value=False)
    widget.attrs |= {"autocomplete": "off" if secret.is_public else "new-password", "spellcheck": "false"}
    return forms.CharField(label=secret.label, help_text=secret.help, widget=widget, required=False, max_length=4000)


class SecretsForm(forms.Form):
    """The secret fields of a provider."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.provider = provider
        self.required_by_name = {secret.name: secret.required for secret in provider.secrets}
        for secret in provider.secrets:
            self.fields[f"secret-{secret.name}"] = _field(secret)

    def secret_fields(self) -> list[tuple[BoundField, bool]]:
        """Each secret's field, and whether the provider always wants it."""
        return [(self[f"secret-{name}"], required) for name, required in self.required_by_name.items()]

    def secrets(self) -> dict[str, str]:
        """What was given. Call it when valid."""
        said = {name: self.cleaned_data.get(f"secret-{name}", "") for name in self.required_by_name}
        return {name: value for name, value in said.items() if value}

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
        """Puts the engine's problems beside their fields; what has no field is returned."""
        rest: list[str] = []
        for name, texts in errors.items():
            field = self.form_field_name(name)
            if field in self.fields:
                self.add_error(field, list(texts))
            else:
                rest += texts
        return rest

    def form_field_name(self, name: str) -> str:
        """The field that the engine means by a name."""
        return name.replace("secrets.", "secret-", 1)


class ReplaceSecretsForm(SecretsForm):
    """New secrets for a credential that is there. Nothing is wanted in particular: what is left empty stays."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(provider, data, **kwargs)
        self.required_by_name = dict.fromkeys(self.required_by_name, True)
        self.fields["anyway"] = forms.BooleanField(label=_("Swap all the same, if the test fails"), required=False)

    @property
    def anyway(self) -> bool:
        """Whether the test only informs. Call it when valid."""
        return bool(self.cleaned_data["anyway"])


class CredentialForm(SecretsForm):
    """A new credential: its name, where the provider is, the secrets."""

    def __init__(self, provider: Provider, data: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(provider, data, **kwargs)
        secrets = self.fields
        self.fields = {"name": forms.CharField(label=_("Name"), max_length=100, help_text=_("What the team calls it."))}
        self.fields |= secrets
        notes = provider.origin_notes
        origins = [
            (name, f"{name.capitalize()}: {address}{' — ' + notes[name] if name in notes else ''}")
            for name, address in provider.origins.items()
        ]
        self.fields["origin"] = forms.ChoiceField(
            label=_("Where"), choices=[*origins, (OTHER_ORIGIN, _("Another address"))], initial=origins[0][0]
        )
        self.fields["address"] = forms.CharField(
            label=_("Other address"),
            max_length=300,
            required=False,
            widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "placeholder": "https://"}),
            help_text=_(
                "Only for a compatible service: what stands before the provider's paths. Wins over the choice."
            ),
        )
        if provider.dialects:
            dialects = [(name, name.capitalize()) for name in provider.dialects]
            self.fields["dialect"] = forms.ChoiceField(
                label=_("Dialect"),
                choices=dialects,
                required=False,
                help_text=_("Which revision of the API it speaks."),
            )

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.cleaned_data.get("origin") == OTHER_ORIGIN and not self.cleaned_data.get("address"):
            self.add_error("address", _("Type the address, or choose one of the provider's own."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """What the engine makes a credential of. Call it when valid."""
        said = self.cleaned_data
        return {
            "provider": self.provider.slug,
            "name": said["name"],
            "secrets": self.secrets(),
            "origin": said.get("address", "").strip() or said.get("origin", ""),
            "dialect": said.get("dialect", ""),
        }

    def form_field_name(self, name: str) -> str:
        return "address" if name == "origin" else super().form_field_name(name)
