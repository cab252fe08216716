"""JSON Schema of a kind's options, derived from its form."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.forms.utils import pretty_name

# For form fields without a `schema` attribute.
FIELD_SCHEMAS: Final[tuple[tuple[type[forms.Field], dict[str, Any]], ...]] = (
    (forms.FloatField, {"type": "number"}),
    (forms.DecimalField, {"type": "number"}),
    (forms.IntegerField, {"type": "integer"}),
    (forms.BooleanField, {"type": "boolean"}),
    (forms.MultipleChoiceField, {"type": "array", "items": {"type": "string"}}),
)


def form_schema(form: type[forms.Form]) -> dict[str, Any]:
    """Returns the JSON Schema of the `options` object."""
    fields = form().fields
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: field_schema(name, field) for name, field in fields.items()},
        "additionalProperties": False,
    }
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    return schema


def field_schema(name: str, field: forms.Field) -> dict[str, Any]:
    """Returns the JSON Schema of one option."""
    default = next((type_ for class_, type_ in FIELD_SCHEMAS if isinstance(field, class_)), {"type": "string"})
    schema = {**getattr(field, "schema", default), "title": str(field.label or pretty_name(name))}
    if field.help_text:
        schema["description"] = str(field.help_text)
    if isinstance(field, forms.ChoiceField) and schema["type"] == "string":
        schema["enum"] = [value for value, _ in _choices(field) if value != ""]
    for key, limit in (("maxLength", "max_length"), ("minLength", "min_length")):
        if schema["type"] == "string" and getattr(field, limit, None) is not None:
            schema[key] = getattr(field, limit)
    if field.required and schema["type"] in ("string", "array"):
        schema.setdefault({"string": "minLength", "array": "minItems"}[schema["type"]], 1)
    return schema


def _choices(field: forms.ChoiceField) -> Iterable[tuple[Any, Any]]:
    # The declared choices are plain pairs; Django's type also allows groups.
    return field.choices  # type: ignore[return-value]
