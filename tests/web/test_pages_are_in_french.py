"""Pages are in the reader's language: the one of their profile, or the one that the browser asks for."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client
from django.utils import translation

from exports.models import Member, User
from exports.templatetags import times
from tests.helpers import factories, messages, page_routes
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of, recently_authenticated
from tests.helpers.pseudo_locale import WORD_PATTERN, UnmarkedTextParser
from tests.helpers.unmarked_texts import allowed_texts

# The API's reference is made of its docstrings.
ENGLISH_ONLY = ("api-docs",)
# Of the profile, what the browser asks for, what comes.
CHOICES = (("fr", "en", "fr"), ("en", "fr", "en"), ("", "fr-CA, en;q=0.5", "fr"), ("", "de", "en"))


def english_texts() -> set[str]:
    """Every message that French says in other words."""
    found = set()
    for domain in messages.DOMAINS:
        for message in messages.read(messages.path_of(domain)):
            forms = [message.text, message.plural]
            found |= {
                form.strip() for form in forms if form and form.strip() not in map(str.strip, message.translations)
            }
    return {text for text in found if WORD_PATTERN.search(text)}


def texts_of(html: str) -> list[str]:
    page = UnmarkedTextParser()
    page.feed(html)
    page.close()
    return [unescape(text).strip() for text in page.texts]


@pytest.mark.slow(seconds=15)
def test_no_page_has_english_left(cast: Cast) -> None:
    numbers = page_routes.create_sample_data(cast)
    User.objects.update(language="fr")
    # What stands in the database is data, also where it reads like a message.
    english = english_texts() - set(allowed_texts().anywhere)
    left: list[str] = []
    for client, pages in (
        (recently_authenticated(client_of(cast.owner)), page_routes.PAGES),
        (Client(headers={"Accept-Language": "fr"}), page_routes.ANONYMOUS_PAGES),
    ):
        for name, visits in pages.items():
            if name in ENGLISH_ONLY:
                continue
            html = client.get(page_routes.visit_url(name, visits[0], numbers)).content.decode()
            assert '<html lang="fr"' in html or "<html" not in html, name
            left += [f"{name}: {text}" for text in texts_of(html) if text in english]
    assert left == [], "\n".join(left)


def test_the_profile_wins_over_the_browser(cast: Cast) -> None:
    factories.failed_export(cast, "bad_file", "The file is empty.")
    client = client_of(cast.member)
    for chosen, asked, expected in (
        ("fr", "en", "fr"),
        ("en", "fr", "en"),
        ("", "fr-CA, en;q=0.5", "fr"),
        ("", "de", "en"),
    ):
        User.objects.update(language=chosen)
        answer = client.get("/t/the-team/exports/", headers={"Accept-Language": asked})
        assert answer.headers["Content-Language"] == expected
        assert ("Accept-Language" in answer.headers["Vary"]) == (chosen == "")
        assert ("Le fichier est vide." in answer.content.decode()) == (expected == "fr")
    assert translation.get_language() == "en"


def test_the_language_is_chosen_in_the_profile(as_member: Client, member: Member) -> None:
    assert re.search(r'<option value="fr"[^>]*>Français', as_member.get("/profile/").content.decode())
    sent = {"name": "A", "time_zone": "UTC", "theme": "auto", "language": "fr"}
    page = as_member.post("/profile/", sent, follow=True).content.decode()
    assert User.objects.get(pk=member.user_id).language == "fr"
    assert '<html lang="fr"' in page
    assert "Enregistré" in page


def test_the_api_stays_english(cast: Cast) -> None:
    User.objects.update(language="fr")
    answer = client_of(cast.owner).get("/api/v1/exports", headers={"Accept-Language": "fr"})
    assert answer.headers.get("Content-Language") is None
    assert "Accept-Language" not in answer.headers.get("Vary", "")
    assert answer.json()["title"] == "Unauthorized"


def test_numbers_dates_and_sizes_are_french() -> None:
    with translation.override("fr"):
        assert (times.count(1284), times.file_size(63_300)) == ("1\u00a0284", "63,3\u00a0ko")
        assert times.format_duration(90_000) == "1 j 1 h"
        assert times.exact_time(datetime(2026, 11, 29, 15, 30, 8, tzinfo=UTC)) == "dimanche 29 nov. 2026, 15:30:08"
