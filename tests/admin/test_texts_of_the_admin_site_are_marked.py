"""Texts of the admin site's own pages are marked for translation. Names of columns and fields are the models'."""

import pytest
from django.test import Client

from exports import states
from tests.helpers import factories, pseudo_locale
from tests.helpers.cast import Cast
from tests.helpers.unmarked_texts import allowed_texts, unmarked_texts


def test_pages_have_no_text_outside_the_marks(as_staff: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    export = factories.processing_export(cast)
    pseudo_locale.activate(monkeypatch)
    allowed = allowed_texts(*states.STEPS, *states.ERROR_CODES, "Team")
    found: list[str] = []
    for path in ("", "exports/export/", f"exports/export/{export.pk}/change/", "exports/heartbeat/"):
        html = as_staff.get(f"/admin/{path}").content.decode()
        assert pseudo_locale.OPEN in html
        found += unmarked_texts(path, html, allowed)
    assert found == [], "\n".join(found)
