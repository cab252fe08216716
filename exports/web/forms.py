"""Forms drawn from the providers' declarations."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from exports.exporting.create import ExportRequest, clean_options
from exports.models import Project
from exports.providers.contract import Kind

# So many options that may be left out stand in the open; more of them are folded away.
MAX_UNCOLLAPSED_OPTIONS: Final = 3
# A value of each type, to ask a provider whether a dialect has a word for an option.
PROBE_VALUES: Final[dict[str, Any]] = {"boolean": True, "array": [1], "object": {"x": "x"}, "integer": 1, "number": 1}


class ConfirmForm(forms.Form):
    """The project typed by hand, before something at the provider is changed."""

    confirm = forms.CharField(
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {name.strip().casefold() for name in (project.name, project.remote_id)} - {""}
        self.fields["confirm"].label = _("Type “%(project)s” to confirm") % {"project": project}

    def clean_confirm(self) -> str:
        """The project, typed by hand: its name or its id, in whatever case."""
        typed: str = self.cleaned_data["confirm"]
        if not typed:
            raise forms.ValidationError(_("Confirm it: what this does cannot be taken back from here."))
        if typed.strip().casefold() not in self.names:
            raise forms.ValidationError(_("This is neither the project's name nor its id."))
        return typed


class RequestForm(ConfirmForm):
    """What every new export is asked besides its options."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    format = forms.ChoiceField(label=gettext_lazy("File format"), widget=forms.RadioSelect, required=False)
    allow_twin = forms.BooleanField(label=gettext_lazy("Ask for it a second time anyway"), required=False)

    def __init__(self, project: Project, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(project, *args, **kwargs)
        self.kind = kind
        formats = self.fields["format"]
        assert isinstance(formats, forms.ChoiceField)  # noqa: S101  for the type checker
        formats.choices = [(name, name.upper()) for name in kind.formats]
        formats.initial = kind.formats[0]
        if len(kind.formats) == 1:
            formats.widget = forms.HiddenInput()
        if kind.effect != "changes":
            del self.fields["confirm"]
        self.fields["key"].initial = uuid.uuid4().hex


@dataclasses.dataclass
class OptionRow:
    """An option as the form shows it. `picker`: the provider can list its values; `many`: it takes several.

    `typed_help`: how to write it, where it is typed and not picked.
    """

    field: BoundField
    name: str
    has_picker: bool
    is_multiple: bool
    typed_help: str = ""
    choices: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    selected: list[str] = dataclasses.field(default_factory=list)


class OptionGroups(NamedTuple):
    """The options as the form lays them out: in the open, folded away, and whether the fold is open."""

    shown: list[OptionRow]
    collapsed: list[OptionRow]
    is_expanded: bool


class NewExportForms:
    """The form of a kind: what every export has, and the kind's own options."""

    FORMAT_KEY: Final = "format of the export"
    PREFIX: Final = "options"

    def __init__(
        self, project: Project, kind: Kind, data: QueryDict | None = None, before: Mapping[str, Any] | None = None
    ) -> None:
        self.project, self.kind = project, kind
        self.is_bound = data is not None
        before = dict(before or {})
        format_ = before.pop(self.FORMAT_KEY, None)
        initial = {"format": format_} if format_ in kind.formats else {}
        self.form = RequestForm(project, kind, data, initial=initial)
        self.options = kind.options(data, prefix=self.PREFIX, initial=before)
        self.idempotency_key = f"page:{data.get('key', '')[:64] or uuid.uuid4().hex}" if data is not None else ""
        self.offered = False

    def new_idempotency_key(self) -> str:
        """Another key, for a form that is sent again with other wishes."""
        return f"page:{uuid.uuid4().hex}"

    def is_valid(self) -> bool:
        """Whether both halves are right (both are looked at, so that every problem shows at once)."""
        return all([self.form.is_valid(), self.options.is_valid()])

    def raw_options(self) -> dict[str, Any]:
        """The options as they were typed; what was left empty is not there."""
        data = self.options.data
        given = {
            name: one.widget.value_from_datadict(data, {}, self.options.add_prefix(name))
            for name, one in self.options.fields.items()
        }
        return {name: value for name, value in given.items() if value not in (None, "", [])}

    def cleaned_options(self) -> dict[str, Any]:
        """The options that are right so far, as they would be kept."""
        return clean_options(self.kind, self.raw_options())[0]

    def to_request(self) -> ExportRequest:
        """What was asked for. Call it when valid."""
        said = self.form.cleaned_data
        return ExportRequest(
            type=self.kind.type,
            format=said["format"] or self.kind.formats[0],
            options=self.raw_options(),
            confirm=bool(said.get("confirm")),
            allow_duplicate=bool(said.get("allow_twin")),
        )

    def offer_duplicate(self) -> None:
        """The same is still open: the form now has a box to ask for it anyway."""
        self.offered = True

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
        """Puts the engine's problems beside their fields; what has no field is returned."""
        rest: list[str] = []
        for name, texts in errors.items():
            option = name.removeprefix("options.")
            if option != name and option in self.options.fields:
                if option not in self.options.errors:
                    self.options.add_error(option, list(texts))
            elif name in self.form.fields:
                self.form.add_error(name, list(texts))
            else:
                rest += texts
        return rest

    def option_groups(self) -> "OptionGroups":
        """The options in the order of their declaration; of many, those that may be left out apart."""
        rows = [
            self.option_row(name) for name in self.options.fields if self._is_set(name) or not self._is_foreign(name)
        ]
        rest = [row for row in rows if not row.field.field.required]
        if len(rest) <= MAX_UNCOLLAPSED_OPTIONS:
            return OptionGroups(rows, [], False)
        needed = [row for row in rows if row.field.field.required]
        return OptionGroups(needed, rest, any(row.field.errors or self._is_set(row.name) for row in rest))

    def _is_set(self, name: str) -> bool:
        return self.options[name].value() not in (None, "", [], {})

    def _is_foreign(self, name: str) -> bool:
        """Whether only another dialect than the credential's has a word for this option."""
        provider, mine = self.project.provider, self.project.credential.dialect
        declared = self.options.fields[name]
        type_ = dict(getattr(declared, "schema", {})).get("type", "string")
        words = [value for value, _ in getattr(declared, "choices", ()) if value]
        probe = {name: PROBE_VALUES.get(type_, words[0] if words else "x")}

        def lacks(dialect: str) -> bool:
            return name in provider.option_problems(self.kind, probe, dialect)

        return lacks(mine) and not all(lacks(dialect) for dialect in provider.dialects)

    def option_row(self, name: str, choices: Sequence[tuple[str, str]] = ()) -> OptionRow:
        """One option; with `choices`, those to pick from, and what is chosen among them."""
        bound = self.options[name]
        many = dict(getattr(bound.field, "schema", {})).get("type") == "array"
        row = OptionRow(
            bound, name, name in self.kind.options_with_choices, many, getattr(bound.field, "typed_help", "")
        )
        if choices:
            value = bound.field.prepare_value(bound.value()) if hasattr(bound.field, "prepare_value") else bound.value()
            text = "" if value is None else str(value)
            row.selected = [part for part in text.replace(",", " ").split() if part] if many else [text] if text else []
            known = {id_ for id_, _ in choices}
            row.choices = [(id_, id_) for id_ in row.selected if id_ not in known] + list(choices)
        return row
