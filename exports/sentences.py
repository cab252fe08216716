"""Sentences that workers, services, providers and commands write in English, in the language of who reads them.

They are stored and answered by the API in English. A page looks them up in `locale/LANGUAGE/LC_MESSAGES/sentences.mo`,
whose messages are the sentences as the code has them, `{name}` where a value stands. What is not found stays as it is:
the words of providers, and sentences that the code no longer has (docs/decisions/0023).
"""

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.utils import formats
from django.utils.translation import get_language, gettext

SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+")
NO_BREAK: Final = "\N{NO-BREAK SPACE}"
PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
# Where several sentences or clauses stand in one text.
JOINTS: Final = re.compile(r"(\s{2,}|\n|(?<=[.!?])\s+|[,;:]\s+|\s+\(|\)\s*)")
SIZE: Final = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s?(B|KB|MB|GB|TB|PB|bytes)")
# A text within a text within a text; more is no sentence of ours.
MAX_DEPTH: Final = 3
NUMBER: Final = r"\d[\d.,]*"
# Values by their names in messages: numbers, and words that stand alone elsewhere.
NUMBERS: Final = frozenset({"days", "minutes", "percent", "rows", "times"})
LABELS: Final = frozenset({"fields", "old_role", "role", "scope", "whose"})
MAX_LENGTH: Final = 5000


@dataclass(frozen=True)
class _Pattern:
    """A message with values. `literal`: its longest part without one, which a text must contain."""

    regex: re.Pattern[str]
    literal: str
    translation: str


@dataclass(frozen=True)
class _Catalogue:
    """`whole`: messages without values. `patterns`: the others, those with the most words of their own first."""

    whole: dict[str, str]
    patterns: list[_Pattern]


def translated(text: object) -> str:
    """Returns the text in the active language; as it is where that is English, or the text is none of ours."""
    written, language = str(text), (get_language() or "en").partition("-")[0]
    if language == "en" or not written.strip():
        return written
    found = in_language(written, language)
    if found != written:
        return found
    # A word that is marked in a form or a view as well needs no second place in the catalogues.
    return _label(written, _load(language)) if written.isalpha() and written.islower() else gettext(written)


@lru_cache(maxsize=4096)
def in_language(text: str, language: str) -> str:
    """Returns the text in a language, by the catalogue of sentences alone. Works before there are settings."""
    if len(text) > MAX_LENGTH:
        return text
    catalogue = _load(language)
    return _each(text, catalogue) or _look_up(text, catalogue) or _in_parts(text, catalogue)


def _each(text: str, catalogue: _Catalogue) -> str:
    """The translations of all of several sentences; "" where one of them is not found, or there is only one."""
    sentences = SENTENCE_END.split(text)
    found = [_look_up(sentence, catalogue) or _clause(sentence, catalogue) for sentence in sentences]
    is_whole = len(sentences) > 1 and all(one != sentence for one, sentence in zip(found, sentences, strict=True))
    return " ".join(found) if is_whole else ""


def _in_parts(text: str, catalogue: _Catalogue) -> str:
    """Each clause by itself. A single word is none: a provider may have meant it otherwise."""
    parts = JOINTS.split(text)
    if len(parts) == 1:
        return text
    return "".join(_clause(part, catalogue) if " " in part.strip() else part for part in parts)


def _clause(part: str, catalogue: _Catalogue) -> str:
    if found := _look_up(part, catalogue):
        return found
    shorter = _look_up(part[:-1], catalogue) if part.endswith(".") else ""
    return f"{shorter}." if shorter else part


def _look_up(text: str, catalogue: _Catalogue, depth: int = 0) -> str:
    """Returns the translation of the whole text; "" where the catalogue has none."""
    if text in catalogue.whole:
        return catalogue.whole[text]
    for pattern in catalogue.patterns if depth < MAX_DEPTH else ():
        if pattern.literal in text and (match := pattern.regex.fullmatch(text)):
            return _filled(pattern.translation, match.groupdict(), catalogue, depth)
    return ""


def _filled(translation: str, found: dict[str, str | None], catalogue: _Catalogue, depth: int) -> str:
    values = {name: _value(name, value, catalogue, depth) if value else "" for name, value in found.items()}
    text = PLACEHOLDER.sub(lambda name: values.get(name[1], name[0]), translation)
    return text if all(values.values()) else text.strip()


def _value(name: str, text: str, catalogue: _Catalogue, depth: int) -> str:
    if name in LABELS:
        return _label(text, catalogue)
    if size := SIZE.fullmatch(text):
        number = formats.number_format(size[1].replace(",", ""), use_l10n=True, force_grouping=True)
        return f"{number}{NO_BREAK}{gettext(size[2])}"
    listed = [_look_up(part, catalogue, depth + 1) for part in text.split(", ")]
    return ", ".join(listed) if all(listed) else _look_up(text, catalogue, depth + 1) or text


def _label(text: str, catalogue: _Catalogue) -> str:
    """The word of a role or the like, which labels begin with a capital and sentences do not."""
    capital = text[:1].upper() + text[1:]
    if (label := catalogue.whole.get(capital) or gettext(capital)) != capital:
        return label[:1].lower() + label[1:]
    return catalogue.whole.get(text) or gettext(text)


@lru_cache(maxsize=8)
def _load(language: str) -> _Catalogue:
    whole: dict[str, str] = {}
    patterns: list[_Pattern] = []
    path = Path(__file__).resolve().parent.parent / "locale" / language / "LC_MESSAGES" / "sentences.mo"
    for message, translation in (read_compiled(path) if path.exists() else {}).items():
        if PLACEHOLDER.search(message):
            patterns.append(_pattern(message, translation))
        elif message:
            whole[message] = translation
    patterns.sort(key=lambda one: len(PLACEHOLDER.sub("", one.regex.pattern)), reverse=True)
    return _Catalogue(whole, patterns)


def _pattern(message: str, translation: str) -> _Pattern:
    # Literals and names take turns; a name that comes again is the same value again. What stands apart at the beginning
    # or the end is a sentence that may be missing.
    pieces, seen = PLACEHOLDER.split(message), set[str]()
    first, last = pieces[0] == "" and pieces[2].startswith(" "), pieces[-1] == "" and pieces[-3].endswith(" ")
    regex = ""
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            piece = piece[1:] if first and index == 2 and pieces[1] not in NUMBERS else piece
            regex += re.escape(piece[:-1] if last and index == len(pieces) - 3 else piece)
        elif piece in seen:
            regex += f"(?P={piece})"
        elif first and index == 1 and piece not in NUMBERS:
            regex += f"(?:(?P<{piece}>.+?) )?"
        elif last and index == len(pieces) - 2:
            regex += f"(?: (?P<{piece}>.+?))?"
        else:
            regex += f"(?P<{piece}>{NUMBER if piece in NUMBERS else '.+?'})"
        seen |= {piece} if index % 2 else set()
    return _Pattern(re.compile(regex, re.DOTALL), max(pieces[::2], key=len).strip(), translation)


def read_compiled(path: Path) -> dict[str, str]:
    """Returns the messages of a compiled catalogue (GNU gettext's .mo) and their translations.

    A message with a plural is its singular, a null character and its plural; its translation likewise all forms.
    """
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xde\x12\x04\x95" else ">"
    count, messages, translations = struct.unpack(f"{order}3I", data[8:20])

    def text(table: int, index: int) -> str:
        length, start = struct.unpack_from(f"{order}2I", data, table + 8 * index)
        return data[start : start + length].decode()

    return {text(messages, index): text(translations, index) for index in range(count)}
