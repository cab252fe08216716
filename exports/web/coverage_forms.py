"""The form that protects listed projects: when they are exported, as what, and how old the last good export may be."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports.exporting.freshness import MAX_TARGET_HOURS
from exports.exporting.protection import (
    DEFAULT_SPREAD_MINUTES,
    ProtectionRequest,
    default_target_hours,
    protecting_kinds,
)
from exports.models import Credential, Project, Team
from exports.sentences import translated
from exports.web.schedule_forms import TimesForm


class ProtectionForm(forms.Form):
    """The target, and for each provider that has several, the kind and format of the exports."""

    fresh_within_hours = forms.IntegerField(
        label=_l("Oldest good export, in hours"),
        min_value=1,
        max_value=MAX_TARGET_HOURS,
        required=False,
        widget=forms.NumberInput(attrs={"class": "input", "min": 1, "max": MAX_TARGET_HOURS}),
        help_text=_l("The team is told when it is older. Leave empty to allow for the longest time between two runs."),
    )

    def __init__(self, credentials: Iterable[Credential], data: QueryDict | None = None) -> None:
        super().__init__(data)
        for credential in credentials:
            choices = [
                (f"{kind.type}|{format_}", f"{translated(kind.label)} ({format_})")
                for kind in protecting_kinds(credential)
                for format_ in kind.formats
            ]
            self.fields[f"kind-{credential.provider}"] = forms.ChoiceField(
                label=_("%(provider)s: what to export") % {"provider": credential.provider_definition.label},
                choices=choices,
                initial=choices[0][0],
                widget=forms.Select(attrs={"class": "input"}) if len(choices) > 1 else forms.HiddenInput(),
            )


class ProtectionForms:
    """Both forms of the page: the times, and the rest. All `credentials` have a kind that protects."""

    def __init__(self, team: Team, credentials: Sequence[Credential], data: QueryDict | None = None) -> None:
        self.form = ProtectionForm(credentials, data)
        kinds = [kind for credential in credentials for kind in protecting_kinds(credential)]
        # What each export costs, said beside the button.
        self.costs = list(dict.fromkeys(kind.cost for kind in kinds if kind.cost))
        self.times = TimesForm(Project(team=team), data, {"spread_minutes": DEFAULT_SPREAD_MINUTES})

    def is_valid(self) -> bool:
        """Whether both are valid."""
        return all([self.form.is_valid(), self.times.is_valid()])

    def to_request(self, credential: Credential) -> ProtectionRequest:
        """Returns the request for projects of the credential. Call it when valid."""
        times, fields = self.times.cleaned_data, self.form.cleaned_data
        type_, _separator, format_ = fields[f"kind-{credential.provider}"].partition("|")
        target = fields["fresh_within_hours"] or default_target_hours(self.times.plan, times["spread_minutes"])
        return ProtectionRequest(
            type=type_,
            format=format_,
            cron=times["cron"],
            time_zone=times["time_zone"],
            spread_minutes=times["spread_minutes"],
            fresh_within_hours=target,
        )

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
        """Adds errors of the service to their fields; returns the texts that belong to no field."""
        left: list[str] = []
        for name, texts in errors.items():
            form: Any = next((form for form in (self.times, self.form) if name in form.fields), None)
            if form is None:
                left += texts
            else:
                form.add_error(name, list(texts))
        return left
