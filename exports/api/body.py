"""Reading a request's body: JSON, an object, with known fields of the right types. Nothing else gets further.

The views read it after they have looked the object up, so that another team's object is a 404 whatever is sent.
"""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final, NoReturn, TypeVar

from django.http import HttpRequest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from exports.errors import InvalidError


class RequestBody(BaseModel):
    """A body: unknown fields and values that would have to be converted are errors."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _id_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^/?#\\u0000-\\u001f\\u007f]+$"}
_ID: Final = {"anyOf": [_TEXT, {"type": "integer"}]}
# Providers' ids are texts here; where a provider's ids are numbers, people send numbers.
RemoteId = Annotated[str, BeforeValidator(_id_as_text), Field(min_length=1), WithJsonSchema(_ID)]

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
    """The body as the model has it; an empty one counts as {}. Raises InvalidError."""
    raw = request.body
    try:
        value = json.loads(raw, parse_constant=_no_constant) if raw.strip() else {}
        if any("\0" in text or not _encodes(text) for text in _texts(value)):
            raise InvalidError({"body": ["A text in the body has characters that cannot be stored."]})
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidError({"body": [f"The body is not JSON that can be read{where}."]}) from None
    if not isinstance(value, dict):
        raise InvalidError({"body": ["The body must be a JSON object, like {}."]})
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidError(_sentences(model, error)) from None


def _sentences(model: type[RequestBody], error: ValidationError) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for one in error.errors(include_url=False, include_input=False):
        name = str(one["loc"][0])
        if one["type"] == "extra_forbidden":
            sentence = f"Unknown field. This call takes: {', '.join(model.model_fields) or 'no fields'}."
        else:
            sentence = VALIDATION_MESSAGES.get(one["type"], f"{one['msg']}.")
        errors[name] = [sentence]
    return errors


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity, which Python reads and nobody else."""
    raise ValueError(name)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, level by level: handed up from level to level, each would cost as much as it is deep.

    Raises ValueError for one that is deeper than anything the API takes.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict):
                below += [*one, *one.values()]
            elif isinstance(one, list):
                below += one
        if not below:
            return
        level = below
    raise ValueError("too deep")


def _encodes(text: str) -> bool:
    """Whether it is Unicode that can be written: JSON may escape half a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)
