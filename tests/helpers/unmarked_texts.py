"""Finds the texts of a page that are not marked for translation, apart from names, data and stored sentences."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import available_timezones

from django.apps import apps
from django.conf import settings
from django.db.models import CharField, TextField

from exports.models import Project
from exports.providers.registry import PROVIDERS
from exports.templatetags.pages import export_heading
from tests.helpers import pseudo_locale

# The same in every language.
NAMES: Final = ("SHA-256", "UTC", "https://", "CSV", "XLSX", "ZIP", "MP4")
# What the tests put there: a search, the columns of a file.
DATA: Final = ("nothing-fits", "order.id", "order.total")
# Texts that do not stand in forms, views or templates, and so are not marked: whole sentences of these files.
ELSEWHERE: Final = {
    "exports/providers/*.py": "the providers' own words: labels, helps, costs",
    **{
        f"exports/{package}/*.py": "what it says goes into the database and the API as well, in English"
        for package in (
            "audit",
            "credentials",
            "exporting",
            "housekeeping",
            "notify",
            "people",
            "preview",
            "queue",
            "settle",
            "steps",
            "storage",
        )
    },
    "exports/errors.py": "the same",
    "exports/transport/*.py": "what it says is an error of a provider",
    "exports/models/*.py": "choices whose words are stored or shared with the API",
    "exports/access.py": "shared with the API",
}
DATES: Final = re.compile(r"\d+ [A-Z][a-z]{2} \d{4}(, [\d:]+ [A-Z]+)?|[\d.]+ (?:min|ms|d|h|s)\b|\S+@\S+|https?://\S+")
SIGNS: Final = " ·0123456789.,:;()“”#…\"'"


def _sentences_in_code() -> Iterator[str]:
    """The texts of the files that are elsewhere, cut where something is filled in."""
    for pattern in ELSEWHERE:
        for path in Path(settings.BASE_DIR).glob(pattern):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 2000:
                    yield node.value
                    yield from re.split(r"\{\w*\}|%\(\w+\)s", node.value)


def _texts_in_database() -> Iterator[str]:
    """What stands in the database is data: names, addresses, the providers' words, what was noted."""
    for model in apps.get_app_config("exports").get_models():
        names = [one.name for one in model._meta.fields if isinstance(one, CharField | TextField)]
        for row in model.objects.values_list(*names):  # type: ignore[attr-defined]
            yield from (text for text in row if text)


@dataclass
class Allowed:
    """What may stand unmarked: `anywhere` in a text, longest first, or as all there is between two signs."""

    anywhere: list[str]
    alone: set[str]


def allowed_texts(*data: str) -> Allowed:
    """What may stand unmarked on pages of this database, and `data` as well.

    Names and long sentences are allowed anywhere in a text; single words are not, since any text could be made of them.
    """
    sentences = {" ".join(text.split()).strip(SIGNS) for text in _sentences_in_code()}
    zones = {part.replace("_", " ") for name in available_timezones() for part in name.split("/")}
    headings = {export_heading(kind, one) for one in Project.objects.all() for kind in one.provider.kinds}
    labels = [provider.label for provider in PROVIDERS.values()]
    kinds = [kind.label for provider in PROVIDERS.values() for kind in provider.kinds]
    anywhere = {
        *NAMES,
        *DATA,
        *data,
        *_texts_in_database(),
        *headings,
        *(text for text in sentences if text.count(" ") > 2),
    }
    anywhere = {" ".join(text.split()) for text in anywhere}
    filled = {text.replace("{provider}", label) for text in sentences for label in labels if "{provider}" in text}
    filled |= {f"{start} {label}" for start in ("Taken by", "Done at") for label in labels}
    alone = sentences | zones | filled | {f"{one} or {other}" for one in kinds for other in kinds}
    alone |= {text.lower() for text in alone} | {text.capitalize() for text in alone}
    return Allowed(sorted(filter(pseudo_locale.WORD_PATTERN.search, anywhere), key=len, reverse=True), alone)


def unmarked_texts(name: str, html: str, allowed: Allowed) -> list[str]:
    """A line for each text of the page `name` that is neither marked nor allowed."""
    found = []
    for text in pseudo_locale.unmarked(html):
        if text.strip(SIGNS) in allowed.alone:
            continue
        rest = pseudo_locale.without_allowed(DATES.sub(" ", text), allowed.anywhere)
        parts = (part.strip(SIGNS) for part in re.split(r"[:;·,/()→—]", rest))
        wrong = [part for part in parts if pseudo_locale.WORD_PATTERN.search(part) and part not in allowed.alone]
        found += [f"{name}: {wrong} in “{text[:200]}”"] if wrong else []
    return found
