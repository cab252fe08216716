"""Pages that only somebody with a second factor sees: each text is marked, nothing is inline."""

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.test import Client

from exports.models import Member
from tests.people.conftest import add_totp, client_after_password
from tests.web import pseudo_locale
from tests.web.conftest import client_of, recently_authenticated
from tests.web.test_texts_are_marked_for_translation import Allowed, _allowed, _complaints

PLACES = ("", "app/remove", "recovery-codes", "recovery-codes/new", "passkeys/77/name", "passkeys/77/remove")


def _look(client: Client, path: str, allowed: Allowed) -> list[str]:
    html = client.get(path).content.decode()
    assert pseudo_locale.OPEN in html, path
    assert "<script>" not in html
    assert " style=" not in html
    return _complaints(path, html, allowed)


def test_pages(member: Member, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    add_totp(member)
    Authenticator.objects.create(pk=77, user=member.user, type="webauthn", data={"name": "the-key", "credential": {}})
    monkeypatch.setattr("allauth.mfa.webauthn.internal.auth.get_credentials", lambda user: [])
    pseudo_locale.activate(monkeypatch)
    browser, half_in = recently_authenticated(client_of(member)), client_after_password(member)
    monkeypatch.setattr("tests.web.test_texts_are_marked_for_translation.DATA", ("the-key",))
    allowed = _allowed()
    found = [line for place in PLACES for line in _look(browser, f"/profile/second-factor/{place}", allowed)]
    for path in ("/profile/again/", "/profile/again/code", "/profile/again/passkey"):
        found += _look(browser, path, allowed)
    found += _look(half_in, "/sign-in/second-factor", allowed)
    assert found == [], "\n".join(found)
