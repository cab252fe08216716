"""Sentences that were stored in English are shown in the reader's language; what providers say stays as it came."""

import pytest
from django.utils import translation

from exports.sentences import translated
from tests.helpers.roles import TABLES

SHOWN = {
    "The file is empty.": "Le fichier est vide.",
    # With values, of which one is a sentence itself, and one may be missing.
    "Damaged 3 times: The file is a web page.": "Endommagé 3\u202ffois\u00a0: Le fichier est une page web.",
    "File verified, 63.3 KB.": "Fichier vérifié, 63,3\u00a0ko.",
    "Sent by a friend. Retry of export 12.": "Sent by a friend. Nouvelle tentative de l’export 12.",
    "Keeps the last 3, those of the last 30 days.": "Garde les 3 derniers, ceux des 30 derniers jours.",
    "12 rows, 61 % fewer than usual": "12 lignes, 61\u00a0% de moins que d’habitude",
    "from viewer to member": "de lecteur à membre",
    # What the provider says is quoted as it is.
    f"{TABLES.label} refused: This field is odd": f"{TABLES.label} a refusé\u00a0: This field is odd",
    # As the code once wrote it.
    "Fetched and verified: 223 bytes.": "Récupéré et vérifié\u00a0: 223 octets.",
    # No sentence of ours.
    "Sorry, the project is gone": "Sorry, the project is gone",
    "Yes": "Oui",
    "": "",
}


@pytest.mark.parametrize("english", SHOWN)
def test_a_stored_sentence_is_shown_in_french(english: str) -> None:
    with translation.override("fr"):
        assert translated(english).replace("\u202f", " ") == SHOWN[english].replace("\u202f", " ")


@pytest.mark.parametrize("english", SHOWN)
def test_it_stays_as_it_is_in_english(english: str) -> None:
    assert translated(english) == english


def test_no_text_takes_long() -> None:
    with translation.override("fr"):
        for text in ("a, " * 1600, "The file is " * 400, "x" * 100_000, "{count} of " * 300):
            assert isinstance(translated(text), str)
