"""How providers name a project, and the one function that checks and normalises an id that somebody gives."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

MAX_ID_LENGTH: Final = 200
# Of an id that names several projects.
MAX_SET_LENGTH: Final = 1000
# What stands between the ids of several projects.
SEPARATOR: Final = ","


@dataclass(frozen=True)
class IdRule:
    """A provider's rule for the ids of its projects. `pattern` matches the whole id; `words` describe it in a sentence.

    The portal keeps ids of at most MAX_ID_LENGTH characters. With `is_number` zeros in front do not count. `several`:
    one id may name several projects, with commas between them, for jobs over several; MAX_SET_LENGTH characters in all.
    """

    pattern: str
    words: str
    is_number: bool = False
    several: bool = False

    def matches(self, text: str) -> bool:
        """Whether the text can be an id."""
        if not self.several:
            return self._matches_one(text)
        return len(text) <= MAX_SET_LENGTH and all(self._matches_one(part.strip()) for part in text.split(SEPARATOR))

    def normalise(self, text: str) -> str:
        """The one spelling of an id that matches; of several, each once and in order."""
        if not self.several:
            return self._normalise_one(text)
        return SEPARATOR.join(sorted({self._normalise_one(part.strip()) for part in text.split(SEPARATOR)}))

    def _matches_one(self, text: str) -> bool:
        return 0 < len(text) <= MAX_ID_LENGTH and re.fullmatch(self.pattern, text) is not None

    def _normalise_one(self, text: str) -> str:
        return str(int(text)) if self.is_number else text


def path_of_id(id_: str) -> str:
    """An id as one segment of a path: what is in it, also a slash, is quoted. Raises ValueError for "." and ".."."""
    if id_ in ("", ".", ".."):
        raise ValueError(f"{id_!r} cannot be part of an address.")
    return quote(id_, safe="")


# Where the provider says nothing: whatever can be one segment of a path.
ANY_ID: Final = IdRule(r"[^/?#\x00-\x1f\x7f\ud800-\udfff]+", "1 to 200 characters without / ? #")
WHOLE_NUMBER: Final = IdRule(r"[0-9]{1,19}", "a whole number", is_number=True)
# Names with slashes between them, as group/project or owner/repository; none of them begins with a dot.
PATH_ID: Final = IdRule(
    r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+", "a path of names with slashes between them"
)
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
