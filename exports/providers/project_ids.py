"""How providers name a project, and the one function that checks and normalises an id that somebody gives."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

MAX_ID_LENGTH: Final = 200


@dataclass(frozen=True)
class IdRule:
    """A provider's rule for the ids of its projects. `pattern` matches the whole id; `words` describe it in a sentence.

    The portal keeps ids of at most MAX_ID_LENGTH characters. With `is_number` zeros in front do not count.
    """

    pattern: str
    words: str
    is_number: bool = False

    def matches(self, text: str) -> bool:
        """Whether the text can be an id."""
        return 0 < len(text) <= MAX_ID_LENGTH and re.fullmatch(self.pattern, text) is not None

    def normalise(self, text: str) -> str:
        """The one spelling of an id that matches."""
        return str(int(text)) if self.is_number else text


# Where the provider says nothing: whatever can be one segment of a path.
ANY_ID: Final = IdRule(r"[^/?#\x00-\x1f\x7f\ud800-\udfff]+", "1 to 200 characters without / ? #")
WHOLE_NUMBER: Final = IdRule(r"[0-9]{1,19}", "a whole number", is_number=True)
OBJECT_ID: Final = IdRule(r"[0-9a-fA-F]{24}", "24 hexadecimal digits")


def clean_project_id(text: str, rule: IdRule, *, label: str, help_: str = "", address_pattern: str = "") -> str:
    """Returns the id, from the id itself or the address of the project's page at the provider.

    `label` names the provider, `help_` says where the id is found, `address_pattern` matches the path of the page, with
    the id as its first group. Raises ValueError with a sentence for a person.
    """
    text = text.strip()
    if rule.matches(text):
        return rule.normalise(text)
    if "/" in text:
        match = re.search(address_pattern, _path(text)) if address_pattern else None
        if match is None:
            raise ValueError(f"There is no project's id in this address. {help_}".strip())
        text = match[1]
        if rule.matches(text):
            return rule.normalise(text)
    raise ValueError(f"This is no id of a project: {label} names projects by {rule.words}. {help_}".strip())


def _path(text: str) -> str:
    try:
        return urlsplit(text).path
    except ValueError:
        return ""
