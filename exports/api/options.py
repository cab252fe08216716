"""The options of a kind of export as JSON Schema, drawn from its form."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.forms.utils import pretty_name

# For fields that do not bring a `schema` of their own.
FIELD_SCHEMAS: Final[tuple[tuple[type[forms.Field], dict[str, Any]], ...]] = (
    (forms.FloatField, {"type": "number"}),
    (forms.DecimalField, {"type": "number"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.MultipleChoiceField, {"type": "array", "items": {"type": "string"}}),
)


def form_schema(form: type[forms.Form]) -> dict[str, Any]:
    """JSON Schema of the object that `options` may be."""
    fields = form().fields
    found: dict[str, Any] = {
        "type": "object",
        "properties": {name: field_schema(name, field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required := [name for name, field in fields.items() if field.required]:
        found["required"] = required
    return found


def field_schema(name: str, field: forms.Field) -> dict[str, Any]:
    """JSON Schema of one option."""
    usual = next((type_ for class_, type_ in FIELD_SCHEMAS if isinstance(field, class_)), {"type": "string"})
    found = {**getattr(field, "schema", usual), "title": str(field.label or pretty_name(name))}
    if field.help_text:
        found["description"] = str(field.help_text)
    if isinstance(field, forms.ChoiceField) and found["type"] == "string":
        found["enum"] = [value for value, _ in _choices(field) if value != ""]
    for key, limit in (("maxLength", "max_length"), ("minLength", "min_length")):
        if found["type"] == "string" and getattr(field, limit, None) is not None:
            found[key] = getattr(field, limit)
    if field.required and found["type"] in ("string", "array"):
        found.setdefault({"string": "minLength", "array": "minItems"}[found["type"]], 1)
    return found


def _choices(field: forms.ChoiceField) -> Iterable[tuple[Any, Any]]:
    # The declared choices are pairs, without groups; Django's type allows more.
    return field.choices  # type: ignore[return-value]
