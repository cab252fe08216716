"""Recovery codes are shown once, each signs in once, and new ones replace the old."""

import re

import time_machine
from django.core import mail
from django.test import Client

from exports.models import AuditEntry, Member
from tests.helpers.clients import client_of, recently_authenticated
from tests.helpers.second_factors import add_totp, client_after_password, is_signed_in

PLACE = "/profile/second-factor/recovery-codes"


def use(member: Member, code: str) -> bool:
    browser = client_after_password(member)
    browser.post("/sign-in/second-factor", {"code": code})
    return is_signed_in(browser)


def test_each_code_signs_in_once(member: Member, clock: time_machine.Traveller) -> None:
    _, codes = add_totp(member)
    mail.outbox.clear()
    assert use(member, codes[3])
    assert not use(member, codes[3])
    assert use(member, codes[4])
    assert AuditEntry.objects.filter(verb="used recovery code", user=member.user).count() == 2
    assert "A recovery code was used." in mail.outbox[0].body


def shown(browser: Client) -> list[str]:
    return re.findall(r"\b\d{8}\b", browser.get(PLACE).content.decode())


def test_the_codes_are_shown_once(member: Member, clock: time_machine.Traveller) -> None:
    _, codes = add_totp(member)
    browser = recently_authenticated(client_of(member))
    assert shown(browser) == []
    assert "They were shown once already" in browser.get(PLACE).content.decode()
    assert client_of(member).get(PLACE)["Location"].startswith("/profile/again/")
    assert len(codes) == 10


def test_new_codes_replace_the_old_ones(member: Member, clock: time_machine.Traveller) -> None:
    _, old = add_totp(member)
    browser = recently_authenticated(client_of(member))
    assert browser.post(f"{PLACE}/new")["Location"] == PLACE
    new = shown(browser)
    assert len(new) == 10
    assert not use(member, old[0])
    assert use(member, new[0])


def test_the_codes_are_deleted_with_the_last_second_factor(member: Member, clock: time_machine.Traveller) -> None:
    add_totp(member)
    browser = recently_authenticated(client_of(member))
    assert browser.post("/profile/second-factor/app/remove")["Location"] == "/profile/second-factor/"
    assert is_signed_in(client_after_password(member))
    assert browser.get(PLACE)["Location"] == "/profile/second-factor/"
    assert AuditEntry.objects.filter(verb="removed second factor").count() == 1
