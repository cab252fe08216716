"""Forms for new exports, built from the kinds that providers declare."""

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
from exports.providers.contract import Kind, Preset
from exports.providers.fields import StringMapField
from exports.sentences import translated

# With more optional options than this, they are collapsed.
MAX_UNCOLLAPSED_OPTIONS: Final = 3
# A sample value of each JSON type, to find out whether a dialect supports an option.
PROBE_VALUES: Final[dict[str, Any]] = {"boolean": True, "array": [1], "object": {"x": "x"}, "integer": 1, "number": 1}


class ConfirmForm(forms.Form):
    """Requires the user to type the project's name or id, before something at the provider is changed."""

    confirm = forms.CharField(
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )

    def __init__(self, project: Project, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names = {name.strip().casefold() for name in (project.name, project.remote_id)} - {""}
        self.fields["confirm"].label = _("Type %(project)s to confirm") % {"project": project}

    def clean_confirm(self) -> str:
        """Returns the typed text if it is the project's name or id, ignoring case. Raises ValidationError."""
        typed: str = self.cleaned_data["confirm"]
        if not typed:
            raise forms.ValidationError(_("Type the project's name: this can't be undone."))
        if typed.strip().casefold() not in self.names:
            raise forms.ValidationError(_("That's not the project's name or id."))
        return typed


class RequestForm(ConfirmForm):
    """The fields of a new export besides the kind's own options."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    format = forms.ChoiceField(label=gettext_lazy("File format"), widget=forms.RadioSelect, required=False)
    allow_twin = forms.BooleanField(label=gettext_lazy("Run a second one anyway"), required=False)

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


class MapEntry(NamedTuple):
    """A key that an option with a mapping may have. `text`: what stands at it, "" where that is the label."""

    key: str
    label: str
    is_checked: bool
    text: str


class PresetRow(NamedTuple):
    """A preset as the form offers it; `is_chosen`: the form has been filled in by it."""

    preset: Preset
    is_chosen: bool


@dataclasses.dataclass
class OptionRow:
    """An option as the form shows it.

    `has_picker`: the provider can list its values. `is_multiple`: it takes several values. `typed_help`: how to write
    the value in the text input. `choices`: (value, label) of the list; `selected`: the values that are selected.
    `entries`: those of a mapping with known keys.
    """

    field: BoundField
    name: str
    has_picker: bool
    is_multiple: bool
    typed_help: str = ""
    choices: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    selected: list[str] = dataclasses.field(default_factory=list)
    entries: list[MapEntry] = dataclasses.field(default_factory=list)

    @property
    def checked_count(self) -> int:
        """How many of the entries are checked."""
        return sum(entry.is_checked for entry in self.entries)


class OptionGroups(NamedTuple):
    """The options as the form lays them out; `is_expanded`: whether the collapsed ones are shown open."""

    shown: list[OptionRow]
    collapsed: list[OptionRow]
    is_expanded: bool


def _translate_choices(form: forms.Form) -> None:
    """Puts the labels of the form's choices, which the provider's file has in English, into the reader's language."""
    for field in form.fields.values():
        if isinstance(field, forms.ChoiceField):
            field.choices = [(value, translated(label)) for value, label in field.choices]  # type: ignore[misc,union-attr]
        elif isinstance(field.widget, forms.Select):
            field.widget.choices = [(value, translated(label)) for value, label in field.widget.choices]
        elif isinstance(field, StringMapField):
            field.know({key: translated(label) for key, label in field.known.items()})


def preset_options(preset: Preset) -> dict[str, Any]:
    """Returns the preset's values; texts of a mapping, which people read in the file, in the reader's language."""
    return {
        name: {key: translated(text) for key, text in value.items()} if isinstance(value, Mapping) else value
        for name, value in preset.options.items()
    }


def _map_entries(bound: BoundField) -> list[MapEntry]:
    """Returns what is checked in its order, then the other known keys."""
    known, value = dict(getattr(bound.field, "known", {})), bound.value()
    chosen: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    checked = [MapEntry(key, known.get(key, key), True, text) for key, text in chosen.items()]
    checked = [entry._replace(text="" if entry.text == entry.label else entry.text) for entry in checked]
    return checked + [MapEntry(key, label, False, "") for key, label in known.items() if key not in chosen]


class NewExportForms:
    """The two forms of a new export: RequestForm, and the kind's own options form.

    `initial`: option values to start with; FORMAT_KEY holds the file format. `preset`: the name of the preset whose
    values replace those.
    """

    FORMAT_KEY: Final = "format of the export"
    PREFIX: Final = "options"
    form_class: type[RequestForm] = RequestForm

    def __init__(
        self,
        project: Project,
        kind: Kind,
        data: QueryDict | None = None,
        initial: Mapping[str, Any] | None = None,
        preset: str = "",
    ) -> None:
        self.project, self.kind = project, kind
        self.is_bound = data is not None
        self.presets = [PresetRow(one, one.name == preset) for one in kind.presets if self._can_be_sent(one.options)]
        chosen = [preset_options(row.preset) for row in self.presets if row.is_chosen]
        options = {**(initial or {}), **(chosen[0] if chosen else {})}
        format_ = options.pop(self.FORMAT_KEY, None)
        self.form = self.form_class(project, kind, data, initial={"format": format_} if format_ in kind.formats else {})
        self.options = kind.options(data, prefix=self.PREFIX, initial=options)
        _translate_choices(self.options)
        self.idempotency_key = f"page:{data.get('key', '')[:64] or uuid.uuid4().hex}" if data is not None else ""

    def new_idempotency_key(self) -> str:
        """Returns another key, for a form that is sent again with other values."""
        return f"page:{uuid.uuid4().hex}"

    def is_valid(self) -> bool:
        """Whether both forms are valid. Both are validated, so that every error shows at once."""
        return all([self.form.is_valid(), self.options.is_valid()])

    def raw_options(self) -> dict[str, Any]:
        """Returns the options as they were typed, without empty ones."""
        data = self.options.data
        values = {
            name: field.widget.value_from_datadict(data, {}, self.options.add_prefix(name))
            for name, field in self.options.fields.items()
        }
        return {name: value for name, value in values.items() if value not in (None, "", [])}

    def cleaned_options(self) -> dict[str, Any]:
        """Returns the valid options as they would be stored; invalid ones are left out."""
        return clean_options(self.kind, self.raw_options())[0]

    def to_request(self) -> ExportRequest:
        """Returns the request. Call it when valid."""
        data = self.form.cleaned_data
        return ExportRequest(
            type=self.kind.type,
            format=data["format"] or self.kind.formats[0],
            options=self.raw_options(),
            options_form=self.options,
            confirm=bool(data.get("confirm")),
            allow_duplicate=bool(data.get("allow_twin")),
        )

    def add_errors(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
        """Adds errors of the service to their fields; returns the texts that belong to no field."""
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
        """Returns the options in declared order. With many optional ones, those are collapsed."""
        rows = [
            self.option_row(name) for name in self.options.fields if self._is_set(name) or not self._is_foreign(name)
        ]
        optional = [row for row in rows if not row.field.field.required]
        if len(optional) <= MAX_UNCOLLAPSED_OPTIONS:
            return OptionGroups(rows, [], False)
        required = [row for row in rows if row.field.field.required]
        return OptionGroups(required, optional, any(row.field.errors or self._is_set(row.name) for row in optional))

    def _can_be_sent(self, options: Mapping[str, Any]) -> bool:
        """Whether the credential's dialect has words for these options."""
        return not self.project.provider.option_problems(self.kind, options, self.project.credential.dialect)

    def _is_set(self, name: str) -> bool:
        return self.options[name].value() not in (None, "", [], {})

    def _is_foreign(self, name: str) -> bool:
        """Whether another dialect supports this option, but not the credential's."""
        provider, own_dialect = self.project.provider, self.project.credential.dialect
        declared = self.options.fields[name]
        type_ = dict(getattr(declared, "schema", {})).get("type", "string")
        values = [value for value, _ in getattr(declared, "choices", ()) if value]
        probe = {name: PROBE_VALUES.get(type_, values[0] if values else "x")}

        def lacks(dialect: str) -> bool:
            return name in provider.option_problems(self.kind, probe, dialect)

        return lacks(own_dialect) and not all(lacks(dialect) for dialect in provider.dialects)

    def option_row(self, name: str, choices: Sequence[tuple[str, str]] = ()) -> OptionRow:
        """Returns one option; with `choices` also these (value, label) pairs and which of them are selected."""
        bound = self.options[name]
        is_multiple = dict(getattr(bound.field, "schema", {})).get("type") == "array"
        row = OptionRow(
            bound, name, name in self.kind.options_with_choices, is_multiple, getattr(bound.field, "typed_help", "")
        )
        if getattr(bound.field, "known", None):
            row.entries = _map_entries(bound)
        if choices:
            value = bound.field.prepare_value(bound.value()) if hasattr(bound.field, "prepare_value") else bound.value()
            text = "" if value is None else str(value)
            row.selected = (
                [part for part in text.replace(",", " ").split() if part] if is_multiple else [text] if text else []
            )
            known = {id_ for id_, _ in choices}
            row.choices = [(id_, id_) for id_ in row.selected if id_ not in known] + list(choices)
        return row
