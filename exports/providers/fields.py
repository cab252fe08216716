"""Form fields for options, which come either from a browser's form (text) or from JSON (lists, booleans, objects).

Django's own fields convert nearly anything to text or a boolean; here a value of the wrong JSON type is an error that
names the right one. `schema` is the JSON Schema of the value, for the API's description.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError

TRUE_WORDS: Final = frozenset({"true", "on", "yes", "1"})
FALSE_WORDS: Final = frozenset({"false", "off", "no", "0"})
MAX_ITEMS: Final = 1000


class TextField(forms.CharField):
    """A text. A value of another type is an error."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "string"}

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise ValidationError("A text is wanted here.", code="invalid")
        return str(super().to_python(value))


class UrlField(TextField):
    """An address that the portal will call. The address guard decides at each call whether it may be opened."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "uri"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2000, **kwargs)

    def to_python(self, value: Any) -> str:
        url = super().to_python(value)
        try:
            parts = urlsplit(url)
            is_web = parts.scheme in ("https", "http") and parts.hostname
            is_valid = is_web and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            is_valid = False
        if url and not (is_valid and re.fullmatch(r"[!-~]+", url)):
            raise ValidationError("A web address is wanted here, like https://example.org/news.", code="invalid")
        return url


class ChoiceField(forms.ChoiceField):
    """One of a few texts."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "string"}

    def to_python(self, value: Any) -> str:
        if value is not None and not isinstance(value, str):
            raise ValidationError("A text is wanted here, one of the choices.", code="invalid")
        return value or ""


class OptionalBooleanField(forms.Field):
    """True, false, or None where it is not set. `unset` is the page's label for None."""

    schema: ClassVar[Mapping[str, Any]] = {"type": "boolean"}

    def __init__(self, *, unset: str = "As the provider has it", **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        choices = [("", unset), ("true", "Yes"), ("false", "No")]
        if unset == "No":  # "No" would be offered twice.
            choices.pop()
        super().__init__(widget=forms.Select(choices=choices), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else value

    def to_python(self, value: Any) -> bool | None:
        if value is None or isinstance(value, bool):
            return value
        word = value.strip().lower() if isinstance(value, str) else None
        if word == "":
            return None
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise ValidationError("Say true or false here.", code="invalid")
        return word in TRUE_WORDS


class _JoiningInput(forms.TextInput):
    """A text box. Where the page has one checkbox per choice instead, joins their values."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        values = data.getlist(name) if hasattr(data, "getlist") else ()
        return ", ".join(values) if len(values) > 1 else data.get(name)


class IntegerListField(forms.Field):
    """Whole numbers: a list of ints (JSON) or a text such as "1, 2, 3". Each number may occur once."""

    widget = _JoiningInput
    typed_help: ClassVar = "Ids, parted by commas, like 1, 2, 3."
    schema: ClassVar[Mapping[str, Any]] = {"type": "array", "items": {"type": "integer"}}

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[int]:
        if isinstance(value, str):
            parts = re.split(r"[\s,;]+", value.strip().removeprefix("[").removesuffix("]").strip())
            invalid = next((part for part in parts if part and not re.fullmatch(r"[0-9]{1,15}", part)), None)
            if invalid is not None:
                message = f"“{invalid[:50]}” is no whole number. Write numbers like 1, 2, 3."
                raise ValidationError(message, code="invalid")
            value = [int(part) for part in parts if part]
        elif value is None:
            return []
        if not isinstance(value, list | tuple) or any(
            type(item) is not int or not 0 <= item < 10**15 for item in value
        ):
            raise ValidationError("A list of whole numbers is wanted here, like [1, 2, 3].", code="invalid")
        if len(value) > MAX_ITEMS:
            raise ValidationError(f"At most {MAX_ITEMS} numbers can be given.", code="max_length")
        if len(set(value)) < len(value):
            raise ValidationError("A number is in the list twice.", code="invalid")
        return list(value)


class TextListField(forms.Field):
    """Names: a list of texts (JSON) or a text such as "one, two". None has spaces or commas; each may occur once."""

    widget = _JoiningInput
    typed_help: ClassVar = "Names, parted by commas, like one, two."
    schema: ClassVar[Mapping[str, Any]] = {"type": "array", "items": {"type": "string"}}

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:
        if isinstance(value, str):
            value = [part for part in re.split(r"[\s,;]+", value) if part]
        elif value is None:
            return []
        if not isinstance(value, list | tuple) or not all(
            isinstance(item, str) and re.fullmatch(r"[^\s,;\x00-\x1f\x7f\ud800-\udfff]{1,200}", item) for item in value
        ):
            raise ValidationError('A list of names is wanted here, like ["one", "two"].', code="invalid")
        if len(value) > MAX_ITEMS:
            raise ValidationError(f"At most {MAX_ITEMS} names can be given.", code="max_length")
        if len(set(value)) < len(value):
            raise ValidationError("A name is in the list twice.", code="invalid")
        return list(value)


class _MapInput(forms.Textarea):
    """A text box for JSON. Where the page has a checkbox for each of `known` instead, those that are checked.

    The text of each is that of the text box `NAME.KEY`, or else its label.
    """

    known: Mapping[str, str] = {}

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        checked = data.getlist(name) if hasattr(data, "getlist") else []
        if not any(key in self.known for key in checked):
            return data.get(name)
        return {key: data.get(f"{name}.{key}", "").strip() or self.known.get(key, key) for key in checked}


class StringMapField(forms.Field):
    """A mapping of names to texts: an object (JSON), or a text with that JSON.

    `known`: keys and labels to choose from; pages then have a checkbox and a text box for each.
    """

    widget = _MapInput
    schema: ClassVar[Mapping[str, Any]] = {"type": "object", "additionalProperties": {"type": "string"}}

    def __init__(self, *, known: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.know(known or {})

    def know(self, known: Mapping[str, str]) -> None:
        """Sets the keys and labels to choose from."""
        self.known = known
        self.widget.known = known

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) and not self.known else value

    def to_python(self, value: Any) -> dict[str, str]:
        if value is None or (isinstance(value, str) and not value.strip()):
            return {}
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ValidationError(
                    'This is not JSON. Write an object like {"id": "Number"}.', code="invalid"
                ) from None
        if not isinstance(value, dict):
            raise ValidationError('An object is wanted here, like {"id": "Number"}.', code="invalid")
        invalid = next(
            (name for name, text in value.items() if not (isinstance(name, str) and isinstance(text, str))), None
        )
        if invalid is not None:
            raise ValidationError(f"The value of “{str(invalid)[:50]}” must be a text.", code="invalid")
        if len(value) > MAX_ITEMS:
            raise ValidationError(f"At most {MAX_ITEMS} entries can be given.", code="max_length")
        # JSON can hold unpaired surrogates, which neither pages nor databases accept.
        if re.search("[\0\ud800-\udfff]", "".join((*value, *value.values()))):
            raise ValidationError("Null characters, and halves of characters, are not allowed.", code="invalid")
        return dict(value)
