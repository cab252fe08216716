"""Masks a credential's secrets in what its provider answers: some providers repeat in an answer what was sent.

Looked for are pieces: eight characters in a row of a secret, in any spelling that it may come back in, are masked, with
all that join them. So nothing that says much is left of a secret that somebody else cut, joined or wrapped. Spellings
of a whole text (base64, hex) are made of the secret; those of single characters (escapes) are undone in the text.
"""

import base64
import html
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar
from urllib.parse import quote, quote_plus

T = TypeVar("T")

MASK: Final = "***"
# Shorter ones would match in ordinary words.
MIN_SECRET_LENGTH: Final = 6
PIECE_LENGTH: Final = 8
# The beginning of a secret at the very end of a text, where somebody cut it.
MIN_TAIL_LENGTH: Final = 4
MAX_DEPTH: Final = 50
MAX_CODE_POINT: Final = 0x110000
# Of all redactors that a process keeps; a piece takes some 100 bytes, a secret of 32 characters has 700.
MAX_PIECES: Final = 300_000
SCHEMES: Final = frozenset({"apikey", "basic", "bearer", "key", "oauth", "token"})
# A character as an escape of URLs, JSON, programs, HTML or mails, also one that was escaped again, or in UTF-16 as hex;
# or one that is not seen, as those between the letters of UTF-16. Each takes a bounded number of characters.
ESCAPED: Final = re.compile(
    r"%(?:25){0,3}u(?P<u>[0-9a-f]{4})|%(?:25){0,3}(?P<p>[0-9a-f]{2})"
    r"|\\{1,4}u\{?(?P<j>[0-9a-f]{2,6})\}?|\\{1,4}x(?P<x>[0-9a-f]{2})|\\{1,4}(?P<o>[0-3][0-7]{2})|\\{1,4}(?P<s>[\"\\/])"
    r"|&(?:amp;){0,3}#x0{0,6}(?P<h>[0-9a-f]{1,6});?|&(?:amp;){0,3}#0{0,6}(?P<d>[0-9]{1,7});?"
    r"|&(?:amp;){0,3}(?P<n>lt|gt|quot|apos|amp);|=(?P<q>[0-9a-f]{2})|(?P<w>[0-9a-f]{2})00"
    r"|(?P<none>[\0\xad\u200b-\u200f\u2060\ufeff]|=\r?\n)",
    re.I | re.A,
)
NAMED: Final = {"lt": "<", "gt": ">", "quot": '"', "apos": "'", "amp": "&"}
BASES: Final = {"o": 8, "d": 10}
MAX_ESCAPED_AGAIN: Final = 3
# A file's link is stored encrypted, and a masked id would name nothing any more.
UNREDACTED_FIELDS: Final = frozenset({"link", "remote_id", "id"})


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _base64(text: str, before: int = 0) -> str:
    """The text in base64; with so many bytes `before` it, the letters that depend on it alone."""
    raw = bytes(before) + text.encode()
    encoded = base64.b64encode(raw).decode()
    return encoded[-(-8 * before // 6) : 8 * len(raw) // 6] if before else encoded


# Upper and lower case are the same to what follows.
AS_TEXT: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: quote(text, safe=""),
    lambda text: quote(text, safe="/"),
    quote_plus,
    _json,
    lambda text: _json(text).replace("/", "\\/"),
    html.escape,
)
AS_BYTES: Final[tuple[Callable[[str], str], ...]] = (
    _base64,
    # Inside something longer, like "name:secret", base64 falls differently on it.
    lambda text: _base64(text, 1),
    lambda text: _base64(text, 2),
    lambda text: _base64(text, 3),
    lambda text: text.encode().hex(),
)
AS_UTF16: Final[tuple[Callable[[str], str], ...]] = (
    lambda text: base64.b64encode(text.encode("utf-16-le")).decode().rstrip("="),
    lambda text: base64.b64encode(b"\0" + text.encode("utf-16-le")).decode()[2:].rstrip("="),
    lambda text: base64.b64encode(b"\0\0" + text.encode("utf-16-le")).decode()[3:].rstrip("="),
)


def _spellings(words: set[str]) -> set[str]:
    """The words as they are, and encoded once or twice as bytes. Escapes around these are undone in the text."""
    as_text = {spell(word) for word in words for spell in AS_TEXT}
    as_bytes = {spell(word) for word in words | as_text for spell in AS_BYTES}
    as_bytes |= {spell(word) for word in words for spell in AS_UTF16}
    as_bytes |= {spell(_base64(word)) for word in words for spell in AS_BYTES}
    as_bytes |= {text.replace("+", "-").replace("/", "_") for text in as_bytes}
    return words | as_text | as_bytes


def _words(secret: str) -> list[str]:
    """What is secret in it: of "ApiKey name:KEY" the name and the key, which may come back without the rest, and both.

    The whole, where a part is too short to be searched for by itself.
    """
    words = [word for word in secret.split() if word.lower() not in SCHEMES]
    words += [part for word in words for part in word.split(":") if ":" in word and part]
    return [secret.strip()] if any(len(word) < MIN_SECRET_LENGTH for word in words) else words


class _Redactor:
    """What must not be shown of some secrets: their pieces, those too short for one, and their beginnings."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.pieces: set[str] = set()
        self.short: set[str] = set()
        self.beginnings: set[str] = set()
        words = {word for secret in secrets for word in _words(secret) if len(word) >= MIN_SECRET_LENGTH}
        for text in map(_lower, _spellings(words)):
            if len(text) < PIECE_LENGTH:
                self.short |= {text} if len(text) >= MIN_SECRET_LENGTH else set()
            self.pieces.update(text[at : at + PIECE_LENGTH] for at in range(len(text) - PIECE_LENGTH + 1))
            self.beginnings.update(text[:size] for size in range(MIN_TAIL_LENGTH, PIECE_LENGTH))

    def redact(self, text: str) -> str:
        """The text with every run of pieces replaced by a mask."""
        spans = list(self._spans(_lower(text)))
        plain, places = text, [(at, at + 1) for at in range(len(text))] if ESCAPED.search(text) else []
        for _ in range(MAX_ESCAPED_AGAIN if places else 0):
            plain, places = _unescape(plain, places)
            spans += [(places[begin][0], places[end - 1][1]) for begin, end in self._spans(_lower(plain))]
        return _masked(text, sorted(spans)) if spans else text

    def _spans(self, lower: str) -> Iterator[tuple[int, int]]:
        """Where in the text a secret stands, in order of the beginnings."""
        spans = [
            (at, at + PIECE_LENGTH)
            for at in range(len(lower) - PIECE_LENGTH + 1)
            if lower[at : at + PIECE_LENGTH] in self.pieces
        ]
        for short in self.short:
            at = lower.find(short)
            while at >= 0:
                spans.append((at, at + len(short)))
                at = lower.find(short, at + 1)
        for size in range(PIECE_LENGTH - 1, MIN_TAIL_LENGTH - 1, -1):
            if lower[-size:] in self.beginnings:
                spans.append((len(lower) - size, len(lower)))
                break
        return iter(sorted(spans))


def _unescape(text: str, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """The text with its escapes undone once, and the places of its characters, which had `places` before."""
    letters: list[str] = []
    new: list[tuple[int, int]] = []
    start = 0
    for found in ESCAPED.finditer(text):
        letters += text[start : found.start()]
        new += places[start : found.start()]
        start = found.end()
        if letter := _letter(found):
            letters.append(letter)
            new.append((places[found.start()][0], places[start - 1][1]))
    return "".join([*letters, text[start:]]), new + places[start:]


def _letter(escape: re.Match[str]) -> str:
    kind = escape.lastgroup or "none"
    if kind in ("none", "s", "n"):
        return "" if kind == "none" else NAMED.get(escape[kind].lower(), escape[kind])
    number = int(escape[kind], BASES.get(kind, 16))
    return chr(number) if 0 < number < MAX_CODE_POINT else ""


def _masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a mask in the place of each span; they are in order."""
    kept: list[str] = []
    start = 0
    for begin, end in _joined(iter(spans)):
        kept += [text[start:begin], MASK]
        start = end
    return "".join([*kept, text[start:]])


def _joined(spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans that overlap or touch as one."""
    current: tuple[int, int] | None = None
    for begin, end in spans:
        if current is not None and begin <= current[1]:
            current = current[0], max(current[1], end)
        else:
            if current is not None:
                yield current
            current = begin, end
    if current is not None:
        yield current


def _lower(text: str) -> str:
    """The text in lower case, as long as before: a few letters become two, which would move what stands behind."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(one if len(one.lower()) != 1 else one.lower() for one in text)


class _Redactors:
    """The redactors that were used last, up to MAX_PIECES: making one costs as much as a poll, and long secrets have
    many pieces.
    """

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, ...], _Redactor] = OrderedDict()
        self.size = 0
        self._lock = threading.Lock()

    def of(self, secrets: tuple[str, ...]) -> _Redactor:
        with self._lock:
            if (redactor := self.kept.get(secrets)) is not None:
                self.kept.move_to_end(secrets)
                return redactor
        redactor = _Redactor(secrets)
        with self._lock:
            if secrets not in self.kept:
                self.kept[secrets] = redactor
                self.size += len(redactor.pieces)
            while self.size > MAX_PIECES and len(self.kept) > 1:
                self.size -= len(self.kept.popitem(last=False)[1].pieces)
        return redactor


_redactors: Final = _Redactors()


def redact(secrets: Sequence[str], text: str) -> str:
    """The text with the secrets masked in every spelling, also those that are cut off."""
    return _redactors.of(tuple(secrets)).redact(text) if text else text


def redact_in(secrets: Sequence[str], value: T, depth: int = 0) -> T:
    """The value with the secrets masked in all its texts: in mappings, sequences and dataclasses at any depth.

    Deeper than 50 levels is None: nobody reads what stands there.
    """
    redacted: Any = value
    if depth > MAX_DEPTH:
        redacted = None
    elif isinstance(value, str):
        redacted = redact(secrets, value)
    elif isinstance(value, Mapping):
        redacted = {
            redact(secrets, name) if isinstance(name, str) else name: redact_in(secrets, item, depth + 1)
            for name, item in value.items()
        }
    elif isinstance(value, tuple | list):
        redacted = type(value)(redact_in(secrets, item, depth + 1) for item in value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for field in fields(value):
            before = getattr(value, field.name)
            if field.name not in UNREDACTED_FIELDS and (after := redact_in(secrets, before, depth + 1)) != before:
                changed[field.name] = after
        redacted = replace(value, **changed) if changed else value
    return redacted  # type: ignore[no-any-return]
