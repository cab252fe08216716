"""A language in which each text is ⟦marked⟧, and the texts of a page outside the marks."""

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Final

import pytest
from django.utils import translation
from django.utils.safestring import SafeData, mark_safe

from exports import sentences
from tests.helpers import messages
from tests.helpers.sentence_extraction import untranslated_sentences

OPEN, SHUT = "⟦", "⟧"
ATTRIBUTES: Final = (
    "title",
    "aria-label",
    "placeholder",
    "alt",
    "data-announce",
    "data-tip",
    "data-copied",
    "data-some",
    "data-none",
    "data-choose-all",
    "data-narrow-count",
)
WORD_PATTERN: Final = re.compile(r"[A-Za-z]{2,}")


def activate(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on every message comes in marks, whatever USE_I18N says."""

    def mark(text: str) -> str:
        marked = f"{OPEN}{text}{SHUT}"
        return mark_safe(marked) if isinstance(text, SafeData) else marked  # noqa: S308  as safe as it was

    words = {
        "gettext": mark,
        "ngettext": lambda one, many, count: mark(one if count == 1 else many),
        "pgettext": lambda _, text: mark(text),
        "npgettext": lambda _, one, many, count: mark(one if count == 1 else many),
    }
    in_language = sentences.in_language

    # Some words are the same in both.
    same = {message.text for message in messages.read(messages.path_of("sentences"))}
    # They come to be translated like all others, and stay as they are.
    english = [re.sub(r"\\{\w+\\}", ".*", re.escape(text)) for text in untranslated_sentences()]

    def mark_known(text: str, language: str) -> str:
        is_known = text in same or in_language(text, "fr") != text
        return mark(text) if is_known or any(re.fullmatch(each, text, re.DOTALL) for each in english) else text

    monkeypatch.setattr(sentences, "get_language", lambda: "xx")
    monkeypatch.setattr(sentences, "in_language", mark_known)
    marked = {message.text for message in messages.read(messages.path_of("django"))}
    monkeypatch.setattr(sentences, "gettext", lambda text: mark(text) if text in marked else text)
    for name, told_by in words.items():
        monkeypatch.setattr(translation._trans, name, told_by, raising=False)  # type: ignore[attr-defined]


class UnmarkedTextParser(HTMLParser):
    """Collects texts and attributes that stand outside the marks. Marks may go over tags and lie in each other."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.silent = 0, ""
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # HTML's own mark of what is the same in every language.
        if tag in ("script", "style", "pre") or ("translate", "no") in attrs:
            self.silent = tag
        if self.depth:
            return
        given = {name: value or "" for name, value in attrs}
        wanted = [*ATTRIBUTES, *(["value"] if tag == "input" and given.get("type") == "submit" else [])]
        self.texts += [text_outside_marks(given[name])[0] for name in wanted if name in given]

    def handle_endtag(self, tag: str) -> None:
        self.silent = "" if tag == self.silent else self.silent

    def handle_data(self, data: str) -> None:
        if not self.silent:
            text, self.depth = text_outside_marks(data, self.depth)
            self.texts.append(text)


def text_outside_marks(text: str, depth: int = 0) -> tuple[str, int]:
    """What of the text stands outside the marks, and how many marks are open after it."""
    kept = []
    for letter in text:
        depth += (letter == OPEN) - (letter == SHUT)
        kept.append(" " if depth or letter == SHUT else letter)
    return " ".join("".join(kept).split()), depth


def unmarked(html: str) -> list[str]:
    """Every text of a page with words outside the marks."""
    page = UnmarkedTextParser()
    page.feed(html)
    page.close()
    return [text for text in page.texts if WORD_PATTERN.search(text)]


def without_allowed(text: str, allowed: Iterable[str]) -> str:
    """The text without what may stand unmarked."""
    for piece in allowed:
        text = re.sub(rf"(?<!\w){re.escape(piece)}(?!\w)", " ", text) if piece in text else text
    return " ".join(text.split())
