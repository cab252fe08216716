"""A user with an authenticator app is asked for a code at each sign-in, and each code is accepted once."""

import pytest
import time_machine
from django.core import mail
from django.test import Client

from exports.models import AuditEntry, Member
from exports.people import security
from tests.helpers.cast import PASSWORD
from tests.helpers.clients import client_of
from tests.helpers.second_factors import add_totp, client_after_password, is_signed_in, set_up_totp, totp_code


def test_the_password_alone_does_not_sign_in(member: Member, clock: time_machine.Traveller) -> None:
    secret, codes = add_totp(member)
    assert len(codes) == 10
    clock.shift(30)
    browser = client_after_password(member)
    assert not is_signed_in(browser)
    wrong = browser.post("/sign-in/second-factor", {"code": "000000"})
    assert "Wrong or expired code." in wrong.content.decode()
    assert not is_signed_in(browser)
    assert browser.post("/sign-in/second-factor", {"code": totp_code(secret)})["Location"] == "/"
    assert is_signed_in(browser)


def test_a_code_is_accepted_once(member: Member, clock: time_machine.Traveller) -> None:
    secret, _ = add_totp(member)
    clock.shift(30)
    code = totp_code(secret)
    first, second = client_after_password(member), client_after_password(member)
    first.post("/sign-in/second-factor", {"code": code})
    second.post("/sign-in/second-factor", {"code": code})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


def test_the_requested_page_is_opened_after_the_code(member: Member, clock: time_machine.Traveller) -> None:
    secret, _ = add_totp(member)
    clock.shift(30)
    browser, sent = Client(), {"username": member.user.email, "password": PASSWORD}
    answer = browser.post("/sign-in/", {**sent, "next": "/t/the-team/exports/"})
    assert answer["Location"] == "/sign-in/second-factor"
    assert browser.post(answer["Location"], {"code": totp_code(secret)})["Location"] == "/t/the-team/exports/"


def test_the_code_is_asked_for_only_after_the_password(member: Member, clock: time_machine.Traveller) -> None:
    secret, _ = add_totp(member)
    clock.shift(30)
    stranger = Client()
    assert stranger.get("/sign-in/second-factor")["Location"].startswith("/sign-in/")
    stranger.post("/sign-in/second-factor", {"code": totp_code(secret)})
    assert not is_signed_in(stranger)


def test_setting_an_app_up_requires_a_recent_sign_in(member: Member) -> None:
    browser = client_of(member)
    for place in ("app", "passkeys/add"):
        answer = browser.get(f"/profile/second-factor/{place}")
        assert answer["Location"].startswith("/profile/again/?next="), place
    wrong = browser.post("/profile/again/?next=/profile/second-factor/app", {"password": "no"})
    assert "s not your password." in wrong.content.decode()
    sent = {"password": PASSWORD, "next": "/profile/second-factor/app"}
    assert browser.post("/profile/again/", sent)["Location"] == "/profile/second-factor/app"
    assert browser.get("/profile/second-factor/app").status_code == 200


def test_the_qr_code_is_an_image_that_the_content_policy_allows(member: Member) -> None:
    browser = client_of(member)
    assert browser.get("/profile/second-factor/app/picture.svg").status_code == 404
    browser.post("/profile/again/", {"password": PASSWORD})
    page = browser.get("/profile/second-factor/app").content.decode()
    assert "data:" not in page
    picture = browser.get("/profile/second-factor/app/picture.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert b"style" not in picture.content
    assert "no-store" in picture["Cache-Control"]
    assert "unsafe" not in picture["Content-Security-Policy"]


def test_the_user_is_mailed_and_the_teams_activity_records_it(member: Member, clock: time_machine.Traveller) -> None:
    add_totp(member)
    event = AuditEntry.objects.get(verb="added second factor")
    assert (event.team, event.actor, event.target) == (member.team, member.user.email, "authenticator app")
    assert event.address == "127.0.0.1"
    (message,) = mail.outbox
    assert message.to == [member.user.email]
    assert "An authenticator app was added;" in message.body
    assert "IP address: 127.0.0.1" in message.body


def test_other_sessions_are_ended_when_an_app_is_set_up(member: Member, clock: time_machine.Traveller) -> None:
    here, there = client_after_password(member), client_after_password(member)
    set_up_totp(here)
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)


def test_an_unreachable_mail_server_does_not_prevent_the_setup(
    member: Member, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", broken)
    add_totp(member)
    assert security.has_second_factor(member.user)
