"""Request bodies: a JSON object with known fields of the right types; everything else is a 422.

Views read the body after they have loaded the object, so that another team's object is a 404 with any body.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, NoReturn, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from exports.errors import InvalidError


class RequestBody(BaseModel):
    """Base of the body models: unknown fields and values of another type are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _id_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^/?#\\u0000-\\u001f\\u007f]+$"}
_ID: Final = {"anyOf": [_TEXT, {"type": "integer"}]}
# Ids of providers are stored as text; clients send numbers where the provider's ids are numbers.
RemoteId = Annotated[str, BeforeValidator(_id_as_text), Field(min_length=1), WithJsonSchema(_ID)]

# A project may also be named by the address of its page at the provider.
ProjectId = Annotated[
    str,
    BeforeValidator(_id_as_text),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1, "maxLength": 1000}, {"type": "integer"}]}),
]

MAX_DEPTH: Final = 100
VALIDATION_MESSAGES: Final = {
    "missing": "This field is required.",
    "string_type": "A text is wanted here.",
    "bool_type": "Say true or false here.",
    "int_type": "A whole number is wanted here.",
    "dict_type": "An object is wanted here.",
    "string_too_short": "An empty text does not do here.",
}
B = TypeVar("B", bound=RequestBody)


def read_body(request: HttpRequest, model: type[B]) -> B:
    """Returns the body as an instance of the model; an empty body counts as {}. Raises InvalidError."""
    raw = request.body
    try:
        value = json.loads(raw, parse_constant=_refuse_constant) if raw.strip() else {}
        if any("\0" in text or not _is_encodable(text) for text in _texts(value)):
            raise InvalidError({"body": ["A text in the body has characters that cannot be stored."]})
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidError({"body": [f"The body is not JSON that can be read{where}."]}) from None
    if not isinstance(value, dict):
        raise InvalidError({"body": ["The body must be a JSON object, like {}."]})
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidError(_error_texts(model, error)) from None


def _error_texts(model: type[RequestBody], error: ValidationError) -> dict[str, list[str]]:
    """Returns the validation errors as texts by field."""
    errors: dict[str, list[str]] = {}
    for details in error.errors(include_url=False, include_input=False):
        name = str(details["loc"][0])
        if details["type"] == "extra_forbidden":
            text = f"Unknown field. This call takes: {', '.join(model.model_fields) or 'no fields'}."
        else:
            text = VALIDATION_MESSAGES.get(details["type"], f"{details['msg']}.")
        errors[name] = [text]
    return errors


def _refuse_constant(name: str) -> NoReturn:
    """Refuses NaN and Infinity, which Python's parser accepts although JSON does not have them. Raises ValueError."""
    raise ValueError(name)


def _texts(value: Any) -> Iterator[str]:
    """Yields every text of a JSON value, one level at a time. A recursive generator would take depth steps per text.

    Raises ValueError when the value is deeper than MAX_DEPTH.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        next_level: list[Any] = []
        for item in level:
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                next_level += [*item, *item.values()]
            elif isinstance(item, list):
                next_level += item
        if not next_level:
            return
        level = next_level
    raise ValueError("too deep")


def _is_encodable(text: str) -> bool:
    """Whether the text can be encoded as UTF-8: JSON may contain an escaped half of a surrogate pair."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
