"""Where as many clients take their time as the web process has room for, downloads are 503, without a receipt."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from exports.models import Download, Export
from exports.people import teams
from tests.helpers import factories
from tests.helpers.cast import Cast

FULL: dict[str, Any] = {"exports.turns": SimpleNamespace(is_full=True)}


@pytest.fixture
def kept(cast: Cast) -> Export:
    return factories.succeeded_export(cast)


def test_the_api_answers_with_a_problem(cast: Cast, kept: Export) -> None:
    token = teams.create_own_token(cast.member, "read", "a script")
    answer = Client().get(f"/api/v1/exports/{kept.pk}/file", headers={"Authorization": f"Bearer {token}"}, **FULL)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Too many files are being downloaded at once."
    assert not Download.objects.exists()


def test_pages_answer_with_a_page(cast: Cast, kept: Export) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(cast.member.user)
    for answer in (
        browser.get(f"/t/the-team/exports/{kept.pk}/file", **FULL),
        browser.post("/t/the-team/exports/bulk/zip", {"id": kept.pk}, **FULL),
        browser.get("/t/the-team/exports.csv", **FULL),
    ):
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "Too many files are being downloaded at once." in answer.content.decode()
    assert not Download.objects.exists()
    assert browser.get(f"/t/the-team/exports/{kept.pk}/", **FULL).status_code == 200
