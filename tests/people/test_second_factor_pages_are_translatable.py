"""Pages that only users with a second factor see: each text is marked for translation, and nothing is inline."""

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client

from exports.models import Member
from tests.helpers import pseudo_locale
from tests.helpers.clients import client_of, recently_authenticated
from tests.helpers.second_factors import add_totp, client_after_password
from tests.helpers.unmarked_texts import Allowed, allowed_texts, unmarked_texts

PLACES = ("", "app/remove", "recovery-codes", "recovery-codes/new", "passkeys/77/name", "passkeys/77/remove")


def _unmarked_texts_of(client: Client, path: str, allowed: Allowed) -> list[str]:
    html = client.get(path).content.decode()
    assert pseudo_locale.OPEN in html, path
    assert "<script>" not in html
    assert " style=" not in html
    return unmarked_texts(path, html, allowed)


def test_every_text_of_the_second_factor_pages_is_marked(
    member: Member, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_totp(member)
    Authenticator.objects.create(pk=77, user=member.user, type="webauthn", data={"name": "the-key", "credential": {}})
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda user: [])
    pseudo_locale.activate(monkeypatch)
    browser, half_in = recently_authenticated(client_of(member)), client_after_password(member)
    allowed = allowed_texts("the-key")
    found = [
        line for place in PLACES for line in _unmarked_texts_of(browser, f"/profile/second-factor/{place}", allowed)
    ]
    for path in ("/profile/again/", "/profile/again/code", "/profile/again/passkey"):
        found += _unmarked_texts_of(browser, path, allowed)
    found += _unmarked_texts_of(half_in, "/sign-in/second-factor", allowed)
    assert found == [], "\n".join(found)
