"""Recovery codes: shown once, each signs in once, and new ones put an end to the old."""

import re

import time_machine
from django.core import mail
from django.test import Client

from exports.models import Event, Member
from tests.accounts.conftest import guarded, is_in, with_password
from tests.web.conftest import client_of, just_now

PLACE = "/profile/second-factor/recovery-codes"


def use(member: Member, code: str) -> bool:
    browser = with_password(member)
    browser.post("/sign-in/second-factor", {"code": code})
    return is_in(browser)


def test_each_signs_in_once(member: Member, clock: time_machine.Traveller) -> None:
    _, codes = guarded(member)
    mail.outbox.clear()
    assert use(member, codes[3])
    assert not use(member, codes[3])
    assert use(member, codes[4])
    assert Event.objects.filter(verb="used recovery code", user=member.user).count() == 2
    assert "A recovery code was used." in mail.outbox[0].body


def shown(browser: Client) -> list[str]:
    return re.findall(r"\b\d{8}\b", browser.get(PLACE).content.decode())


def test_they_are_shown_once(member: Member, clock: time_machine.Traveller) -> None:
    _, codes = guarded(member)
    browser = just_now(client_of(member))
    assert shown(browser) == []
    assert "They were shown already" in browser.get(PLACE).content.decode()
    assert client_of(member).get(PLACE)["Location"].startswith("/profile/again/")
    assert len(codes) == 10


def test_new_ones_end_the_old(member: Member, clock: time_machine.Traveller) -> None:
    _, old = guarded(member)
    browser = just_now(client_of(member))
    assert browser.post(f"{PLACE}/new")["Location"] == PLACE
    new = shown(browser)
    assert len(new) == 10
    assert not use(member, old[0])
    assert use(member, new[0])


def test_they_go_with_the_last_second_factor(member: Member, clock: time_machine.Traveller) -> None:
    guarded(member)
    browser = just_now(client_of(member))
    assert browser.post("/profile/second-factor/app/remove")["Location"] == "/profile/second-factor/"
    assert is_in(with_password(member))
    assert browser.get(PLACE)["Location"] == "/profile/second-factor/"
    assert Event.objects.filter(verb="removed second factor").count() == 1
