"""OpenID Connect signs in users whose address both the provider and the portal have confirmed, and nobody else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
import time_machine
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from exports import clock
from exports.http import throttling
from exports.models import AuditEntry, User
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.second_factors import add_totp, is_signed_in

SERVER = "https://id.example.org"
APP: dict[str, Any] = {
    "provider_id": "openid",
    "name": "Example ID",
    "client_id": "portal",
    "secret": "marked-secret",
    "settings": {"server_url": SERVER, "oauth_pkce_enabled": True},
}


@pytest.fixture
def provider(settings: Settings) -> Iterator[responses.RequestsMock]:
    settings.OPENID = APP
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [APP]}}
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        places = {
            name: f"{SERVER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")
        }
        mock.get(f"{SERVER}/.well-known/openid-configuration", json={"issuer": SERVER, **places})
        mock.post(places["token_endpoint"], json={"access_token": "a-token", "token_type": "Bearer"})
        yield mock


def come_back(provider: responses.RequestsMock, claims: dict[str, Any], browser: Client | None = None) -> Client:
    """There and back as somebody of whom the provider says this."""
    browser = browser or Client()
    provider.upsert(responses.GET, f"{SERVER}/userinfo_endpoint", json={"sub": "77", **claims})
    there = urlsplit(browser.get("/sign-in/with/openid/?next=/profile/")["Location"])
    asked = parse_qs(there.query)
    assert there.hostname == "id.example.org"
    assert asked["redirect_uri"] == ["http://testserver/sign-in/with/openid/back"]
    assert asked["code_challenge_method"] == ["S256"]
    browser.get("/sign-in/with/openid/back", {"code": "a-code", "state": asked["state"][0]})
    return browser


KNOWN = {"email": "Member@example.org", "email_verified": True}


def test_a_user_with_a_known_address_is_signed_in_and_linked(cast: Cast, provider: responses.RequestsMock) -> None:
    assert is_signed_in(come_back(provider, KNOWN))
    assert AuditEntry.objects.get(verb="linked sign-in").user == cast.member.user
    assert "opens yours" in str(mail.outbox[0].body)
    # From now on by the provider's number, whatever it says of the address.
    assert is_signed_in(come_back(provider, {"email": "else@example.org", "email_verified": False}))
    cast.member.user.refresh_from_db()
    assert cast.member.user.check_password(PASSWORD)
    assert cast.member.user.email == "member@example.org"
    assert not EmailAddress.objects.exists()


def test_subjects_of_another_provider_are_other_users(
    cast: Cast, provider: responses.RequestsMock, settings: Settings
) -> None:
    """An operator may put another provider in the place of the first; both count their people from 1."""
    assert is_signed_in(come_back(provider, KNOWN))
    path = f"{SERVER}/new"
    settings.OPENID = {**APP, "settings": {**APP["settings"], "server_url": path}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [settings.OPENID]}}
    places = {name: f"{SERVER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}
    provider.get(f"{path}/.well-known/openid-configuration", json={"issuer": path, **places})
    assert not is_signed_in(come_back(provider, {"email": "stranger@example.org", "email_verified": True}))
    viewer = come_back(provider, {"email": "viewer@example.org", "email_verified": True})
    assert "viewer@example.org" in viewer.get("/profile/").content.decode()


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "member@example.org"},
        {"email": "member@example.org", "email_verified": False},
        {"email": "member@example.org", "email_verified": "false"},
        {"email": "nobody@example.org", "email_verified": True},
        {},
    ],
)
def test_unknown_addresses_get_no_account(cast: Cast, provider: responses.RequestsMock, claims: dict[str, Any]) -> None:
    before = User.objects.count()
    assert not is_signed_in(come_back(provider, claims))
    assert User.objects.count() == before


def test_an_unconfirmed_address_signs_nobody_in(cast: Cast, provider: responses.RequestsMock) -> None:
    User.objects.filter(pk=cast.member.user.pk).update(email_confirmed=False)
    assert not is_signed_in(come_back(provider, KNOWN))


def test_an_inactive_user_is_not_signed_in(cast: Cast, provider: responses.RequestsMock) -> None:
    User.objects.filter(pk=cast.member.user.pk).update(is_active=False)
    assert not is_signed_in(come_back(provider, KNOWN))


def test_the_second_factor_is_still_asked_for(
    cast: Cast, provider: responses.RequestsMock, clock: time_machine.Traveller
) -> None:
    add_totp(cast.member)
    browser = come_back(provider, KNOWN)
    assert not is_signed_in(browser)
    assert browser.get("/sign-in/second-factor").status_code == 200


def test_an_unreachable_or_refusing_provider_is_reported(cast: Cast, provider: responses.RequestsMock) -> None:
    browser = Client()
    canceled = browser.get("/sign-in/with/openid/back?error=access_denied", follow=True)
    assert "This did not work, or was canceled." in canceled.content.decode()
    provider.reset()
    away = browser.get("/sign-in/with/openid/", follow=True)
    assert "This did not work, or was canceled." in away.content.decode()


def test_the_sign_in_page_offers_it_only_where_it_is_configured(
    client: Client, db: None, provider: responses.RequestsMock, settings: Settings
) -> None:
    assert "Sign in with Example ID" in client.get("/sign-in/").content.decode()
    settings.OPENID, settings.SOCIALACCOUNT_PROVIDERS = {}, {"openid_connect": {"APPS": []}}
    assert "/sign-in/with/" not in client.get("/sign-in/").content.decode()
    assert client.get("/sign-in/with/openid/").status_code == 404
    assert client.get("/sign-in/with/openid/back?code=x&state=y").status_code == 404


def test_requests_to_the_provider_are_throttled(cast: Cast, provider: responses.RequestsMock) -> None:
    throttling.ANONYMOUS.full_again_at["127.0.0.1"] = clock.monotonic() + 1_000
    answer = Client().get("/sign-in/with/openid/")
    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (429, True)
    assert not provider.calls
