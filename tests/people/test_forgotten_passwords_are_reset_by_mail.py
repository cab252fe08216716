"""A forgotten password is reset by mail, and no answer reveals who has an account."""

import re
from datetime import timedelta

import time_machine
from django.core import mail
from django.test import Client

from exports.models import AuditEntry, Member, User
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.second_factors import client_after_password, is_signed_in

NEW = "another horse battery staple"


def ask(email: str) -> tuple[int, str, str]:
    """What the pages say, without what differs at each visit."""
    answer = Client().post("/forgotten/", {"email": email})
    page = Client().get(answer["Location"]).content.decode()
    return answer.status_code, answer["Location"], re.sub(r'value="\w{64}"', "", page)


def link() -> str:
    found = re.search(r"http://[^/]+(/forgotten/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def set_new(browser: Client, place: str) -> int:
    opened = browser.get(place)
    if opened.status_code != 302:
        return opened.status_code
    return browser.post(opened["Location"], {"password1": NEW, "password2": NEW}).status_code


def test_the_answer_is_the_same_for_unknown_addresses(cast: Cast) -> None:
    User.objects.filter(pk=cast.viewer.user.pk).update(email_confirmed=False)
    told = {ask(email) for email in ("member@example.org", "nobody@example.org", "viewer@example.org")}
    assert len(told) == 1
    assert [message.to for message in mail.outbox] == [
        ["member@example.org"],
        ["nobody@example.org"],
        ["viewer@example.org"],
    ]
    bodies = [str(message.body) for message in mail.outbox]
    assert ["/forgotten/" in body for body in bodies] == [True, False, False]
    assert bodies[1] == bodies[2]


def test_the_link_works_once_and_ends_every_session(member: Member) -> None:
    elsewhere = client_after_password(member)
    ask("Member@Example.org")
    place, browser = link(), Client()
    assert set_new(browser, place) == 302
    assert not is_signed_in(elsewhere)
    assert not is_signed_in(browser), "a second factor would be left out"
    assert not is_signed_in(client_after_password(member))
    assert browser.post("/sign-in/", {"username": member.user.email, "password": NEW}).status_code == 302
    assert is_signed_in(browser)
    assert set_new(Client(), place) == 200
    assert "no longer works" in Client().get(place).content.decode()
    assert AuditEntry.objects.get(verb="reset password").user == member.user
    assert "Your password was reset." in str(mail.outbox[-1].body)


def test_an_expired_link_is_refused(member: Member) -> None:
    ask(member.user.email)
    place = link()
    with time_machine.travel(timedelta(days=3, minutes=1)):
        assert set_new(Client(), place) == 200
    member.user.refresh_from_db()
    assert member.user.check_password(PASSWORD)


def test_a_new_password_ends_the_throttling_of_the_account(member: Member) -> None:
    for _ in range(6):
        last = Client().post("/sign-in/", {"username": member.user.email, "password": "wrong"})
    assert last.status_code == 429
    ask(member.user.email)
    set_new(Client(), link())
    assert Client().post("/sign-in/", {"username": member.user.email, "password": NEW}).status_code == 302


def test_the_link_has_the_portals_public_url(member: Member, settings: object) -> None:
    settings.PUBLIC_URL = "https://portal.example.org"  # type: ignore[attr-defined]
    Client(headers={"host": "127.0.0.1"}).post("/forgotten/", {"email": member.user.email})
    assert "https://portal.example.org/forgotten/" in str(mail.outbox[-1].body)
