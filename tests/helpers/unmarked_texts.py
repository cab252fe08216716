"""Finds the texts of a page that are not marked for translation, apart from names and data."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from zoneinfo import available_timezones

from django.apps import apps
from django.db.models import CharField, TextField

from exports.models import AuditEntry
from exports.providers.registry import PROVIDERS
from tests.helpers import pseudo_locale

# The same in every language.
NAMES: Final = (
    *("SHA-256", "UTC", "https://", "CSV", "XLSX", "ZIP", "MP4", "JSON", "OpenAPI", "Python"),
    *("English", "Français", "Ctrl", "curl", "appId", "userKey", "ApiKey", "OAuth"),
)
# What the tests put there: a search, the columns of a file.
DATA: Final = ("nothing-fits", "note", "folder", "readme.txt", "model.glb", "A text", "order.id", "order.total")
DATES: Final = re.compile(r"\d+ [A-Z][a-z]{2} \d{4}(, [\d:]+ [A-Z]+)?|[\d.]+ (?:min|ms|d|h|s)\b|\S+@\S+|https?://\S+")
SIGNS: Final = " ·0123456789.,:;()“”#…\"'"


def _texts_in_database() -> Iterator[str]:
    """What stands in the database is data: names, addresses, what providers said."""
    for model in apps.get_app_config("exports").get_models():
        names = [one.name for one in model._meta.fields if isinstance(one, CharField | TextField)]
        for row in model.objects.values_list(*names):  # type: ignore[attr-defined]
            yield from (text for text in row if text)
    # The activity page shows what an export is apart from its number.
    yield from (target.partition(": ")[2] for target in AuditEntry.objects.values_list("target", flat=True))


def _keys_of_options() -> Iterator[str]:
    """Keys that a provider's API has for parts of an option, like the columns of a file."""
    for provider in PROVIDERS.values():
        for kind in provider.kinds:
            for field in kind.options.base_fields.values():
                yield from getattr(field, "known", ())


@dataclass
class Allowed:
    """What may stand unmarked: `anywhere` in a text, longest first, or as all there is between two signs."""

    anywhere: list[str]
    alone: set[str]


def allowed_texts(*data: str) -> Allowed:
    """What may stand unmarked on pages of this database, and `data` as well.

    Names and long sentences are allowed anywhere in a text; single words are not, since any text could be made of them.
    """
    zones = {part.replace("_", " ") for name in available_timezones() for part in name.split("/")}
    labels = [provider.label for provider in PROVIDERS.values()]
    anywhere = {
        *NAMES,
        *DATA,
        *data,
        *_texts_in_database(),
        *_keys_of_options(),
    }
    anywhere = {" ".join(text.split()) for text in anywhere}
    # Two kinds in one filter; the word between them is marked.
    return Allowed(
        sorted(filter(pseudo_locale.WORD_PATTERN.search, anywhere), key=len, reverse=True), {*zones, *labels}
    )


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
