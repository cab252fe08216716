"""Wordings that pages, mails, commands, the API and documents once had are gone; `old_words.txt` lists them."""

import json
from collections.abc import Iterator
from pathlib import Path

from exports.api.urls import api
from tests.helpers import messages
from tests.helpers.sentence_extraction import FORMER, ROOT

OLD_WORDS = tuple(Path(__file__).with_name("old_words.txt").read_text(encoding="utf-8").splitlines())


def texts() -> Iterator[tuple[str, str]]:
    """Where a text stands, and the text, with plain apostrophes."""
    former = set(FORMER.read_text(encoding="utf-8").splitlines())
    for domain in messages.DOMAINS:
        for message in messages.read(messages.path_of(domain)):
            if message.text not in former:
                yield from ((" ".join(message.places), form) for form in (message.text, message.plural))
    yield "the API's document", json.dumps(api.get_openapi_schema(), ensure_ascii=False)
    for path in (
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs/recipes").glob("*.md")),
    ):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def old_words_in(text: str) -> list[str]:
    plain = " ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())
    return [words for words in OLD_WORDS if words in plain]


def test_no_text_has_an_old_wording() -> None:
    found = [f"{place}: {words}" for place, text in texts() for words in old_words_in(text)]
    assert found == [], "\n".join(found)


def test_an_old_wording_is_detected() -> None:
    assert len(OLD_WORDS) > 200
    assert old_words_in("Please mend what is marked below.\nNothing was lost.") == [
        "Please mend what is marked below. Nothing was lost"
    ]
