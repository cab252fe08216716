"""With a PUBLIC_URL that has a path, no page, redirect, cookie, mail or document of the API leads beside that path."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.test import Client
from django.urls import set_script_prefix
from pytest_django.fixtures import Settings

from exports.models.token import READ
from exports.notify import page_urls
from exports.people import invitations, teams
from exports.queue import inbound_webhooks
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.crawl import crawl_everything

BASE = "/team/exports"
HOST = "intern.example.org"
LINK = re.compile(r'\b(?:href|src|action|formaction|poster|hx-get|hx-post|data-[a-z-]+)="(/[^"]*)"')
LOCATION = re.compile(r"^(?:Location|HX-Redirect|HX-Location|Link): (\S+)", re.M)
PATH_IN_JSON = re.compile(
    r'"(?:https?://(?:testserver|intern\.example\.org)(?::\d+)?)?(/(?:api|t|hooks|profile|static|sign-in)/[^"]*)"'
)


@pytest.fixture
def below(settings: Settings, cast: Cast) -> Iterator[None]:
    """A portal below a path, as `portal.settings` sets it up."""
    settings.PUBLIC_URL, settings.BASE_PATH, settings.FORCE_SCRIPT_NAME = f"https://{HOST}{BASE}", BASE, BASE
    settings.PUBLIC_HOST, settings.ALLOWED_HOSTS = HOST, ["*"]
    settings.STATIC_URL = f"{BASE}/static/"
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = f"{BASE}/"
    # As Django's WSGI handler does for each request.
    set_script_prefix(f"{BASE}/")
    yield
    set_script_prefix("/")


def strays(document: str) -> set[str]:
    """The paths of this host in an answer that are not below the base path."""
    head, _, body = document.partition("\n\n")
    links = {*LINK.findall(body), *PATH_IN_JSON.findall(body)}
    for target in LOCATION.findall(head):
        parts = urlsplit(target)
        if parts.hostname in (None, "testserver", HOST):
            links.add(parts.path)
    return {link for link in links if not f"{link}/".startswith(f"{BASE}/")}


@pytest.mark.slow(seconds=8)
def test_no_page_and_no_answer_of_the_api_leads_beside_it(below: None, cast: Cast) -> None:
    exports = [factories.succeeded_export(cast), factories.failed_export(cast, "rejected", "No.")]
    token = teams.create_own_token(cast.owner, READ, "crawl")
    looked_at: int = 0
    found: dict[str, set[str]] = {}
    for address, content in crawl_everything(cast, exports, token):
        # What a visit itself says it came from is shown again.
        if address.startswith("GET ") and "?next=/profile/" not in address:
            looked_at += 1
            if beside := strays(content.decode(errors="replace")):
                found[address] = beside
    assert looked_at > 100
    assert not found


def test_signing_in_leads_below_it_and_sets_cookies_for_it(below: None, cast: Cast) -> None:
    browser = Client()
    page = browser.get("/t/the-team/")
    assert page["Location"].startswith(f"{BASE}/sign-in/?next={BASE}/t/the-team/")
    answer = browser.post(
        f"/sign-in/?next={BASE}/t/the-team/", {"username": cast.member.user.email, "password": PASSWORD}
    )
    assert answer["Location"] == f"{BASE}/t/the-team/"
    assert {morsel["path"] for morsel in answer.cookies.values()} == {f"{BASE}/"}


def test_mails_webhooks_and_hooks_name_it(below: None, cast: Cast) -> None:
    export = factories.processing_export(cast)
    # A worker's threads have no prefix.
    set_script_prefix("/")
    assert page_urls.export_url(export) == f"https://{HOST}{BASE}/t/the-team/exports/{export.pk}/"
    assert inbound_webhooks.webhook_url(export).startswith(f"https://{HOST}{BASE}/hooks/{export.pk}/")
    set_script_prefix(f"{BASE}/")
    browser = Client()
    browser.force_login(cast.owner.user)
    browser.post("/t/the-team/members/invite", {"role": "member", "email": "new@example.org"})
    assert f"https://{HOST}{BASE}/invitations/" in str(mail.outbox[0].body)
    assert f"{BASE}{BASE}" not in str(mail.outbox[0].body)
    assert invitations.open_invitations(cast.team).exists()
