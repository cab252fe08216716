"""Forms drawn from the providers' declarations."""

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.forms import BoundField
from django.http import QueryDict

from exports.engine.request import Wish, clean_options
from exports.providers.base import Kind

CONFIRM: Final = "Yes, change the project at {provider}."


class WishForm(forms.Form):
    """What every new export is asked besides its options."""

    key = forms.CharField(widget=forms.HiddenInput, max_length=80, required=False)
    format = forms.ChoiceField(label="File format", widget=forms.RadioSelect, required=False)
    confirm = forms.BooleanField(required=False)
    allow_twin = forms.BooleanField(label="Make it all the same", required=False)

    def __init__(self, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if "confirm" in self.fields and not self.cleaned_data.get("confirm"):
            self.add_error("confirm", "Confirm it: what this does cannot be taken back from here.")
        return cleaned


@dataclasses.dataclass
class Row:
    """An option as the form shows it. `picker`: the provider can list its values; `many`: it takes several."""

    field: BoundField
    name: str
    picker: bool
    many: bool
    choices: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    chosen: list[str] = dataclasses.field(default_factory=list)


class WishForms:
    """The form of a kind: what every export has, and the kind's own options."""

    FORMAT: Final = "format of the export"
    PREFIX: Final = "options"

    def __init__(self, kind: Kind, data: QueryDict | None = None, before: Mapping[str, Any] | None = None) -> None:
        self.kind = kind
        self.posted = data is not None
        before = dict(before or {})
        format_ = before.pop(self.FORMAT, None)
        initial = {"format": format_} if format_ in kind.formats else {}
        self.form = WishForm(kind, data, initial=initial)
        self.options = kind.options(data, prefix=self.PREFIX, initial=before)
        self.key = f"page:{data.get('key', '')[:64] or uuid.uuid4().hex}" if data is not None else ""
        self.offered = False

    def fresh_key(self) -> str:
        """Another key, for a form that is sent again with other wishes."""
        return f"page:{uuid.uuid4().hex}"

    def is_valid(self) -> bool:
        """Whether both halves are right (both are looked at, so that every problem shows at once)."""
        return all([self.form.is_valid(), self.options.is_valid()])

    def raw(self) -> dict[str, Any]:
        """The options as they were typed; what was left empty is not there."""
        data = self.options.data
        given = {
            name: one.widget.value_from_datadict(data, {}, self.options.add_prefix(name))
            for name, one in self.options.fields.items()
        }
        return {name: value for name, value in given.items() if value not in (None, "", [])}

    def cleaned(self) -> dict[str, Any]:
        """The options that are right so far, as they would be kept."""
        return clean_options(self.kind, self.raw())[0]

    def wish(self) -> Wish:
        """What was asked for. Call it when valid."""
        said = self.form.cleaned_data
        return Wish(
            type=self.kind.type,
            format=said["format"] or self.kind.formats[0],
            options=self.raw(),
            confirm=bool(said.get("confirm")),
            allow_twin=bool(said.get("allow_twin")),
        )

    def offer_twin(self) -> None:
        """The same is still open: the form now has a box to make it all the same."""
        self.offered = True

    def take(self, errors: Mapping[str, Sequence[str]]) -> list[str]:
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

    def rows(self) -> list[Row]:
        """The options, in the order of their declaration."""
        return [self.row(name) for name in self.options.fields]

    def row(self, name: str, choices: Sequence[tuple[str, str]] = ()) -> Row:
        """One option; with `choices`, those to pick from, and what is chosen among them."""
        bound = self.options[name]
        many = dict(getattr(bound.field, "schema", {})).get("type") == "array"
        row = Row(bound, name, name in self.kind.pickers, many)
        if choices:
            value = bound.field.prepare_value(bound.value()) if hasattr(bound.field, "prepare_value") else bound.value()
            text = "" if value is None else str(value)
            row.chosen = [part for part in text.replace(",", " ").split() if part] if many else [text] if text else []
            known = {id_ for id_, _ in choices}
            row.choices = [(id_, id_) for id_ in row.chosen if id_ not in known] + list(choices)
        return row
