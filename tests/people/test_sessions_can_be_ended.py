"""The list of sessions: one or all others can be ended, and an ended session is refused from the next request on."""

import re

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from exports.models import AuditEntry, Member
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.second_factors import client_after_password, is_signed_in


def ways_to_end(client: Client) -> list[str]:
    return re.findall(r'action="(/profile/sessions/\d+/end)"', client.get("/profile/sessions/").content.decode())


def test_one_session_can_be_ended(member: Member) -> None:
    here, there = client_after_password(member), client_after_password(member)
    (way,) = ways_to_end(here)
    assert is_signed_in(there)
    assert here.post(way)["Location"] == "/profile/sessions/"
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert ways_to_end(here) == []
    event = AuditEntry.objects.get(verb="ended session")
    assert (event.user, event.address) == (member.user, "127.0.0.1")


def test_all_other_sessions_can_be_ended(member: Member) -> None:
    here, *others = [client_after_password(member) for _ in range(4)]
    assert len(ways_to_end(here)) == 3
    here.post("/profile/sessions/end-others")
    assert is_signed_in(here)
    assert not any(is_signed_in(one) for one in others)


def test_sessions_of_other_users_cannot_be_ended(cast: Cast) -> None:
    here, theirs = client_after_password(cast.member), client_after_password(cast.viewer)
    client_after_password(cast.viewer)
    (way,) = ways_to_end(theirs)
    assert here.post(way).status_code == 404
    here.post("/profile/sessions/end-others")
    assert is_signed_in(theirs)
    assert len(ways_to_end(theirs)) == 1


def test_a_get_request_ends_no_session(member: Member) -> None:
    here, there = client_after_password(member), client_after_password(member)
    (way,) = ways_to_end(here)
    here.get(way)
    here.get("/profile/sessions/end-others")
    assert is_signed_in(there)


def test_the_use_of_a_session_is_recorded_every_few_minutes(
    member: Member, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    browser = client_after_password(member)
    browser.get("/profile/sessions/")
    with django_assert_max_num_queries(5):  # one for the team's navigation
        browser.get("/profile/")
    session = browser.session
    session["seen"] = 0
    session.save()
    page = browser.get("/profile/sessions/", REMOTE_ADDR="198.51.100.7").content.decode()
    assert "198.51.100.7" in page
    assert browser.session["seen"] > 0


def test_browsers_are_shown_by_their_common_names(member: Member) -> None:
    browser = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/140.0"})
    browser.post("/sign-in/", {"username": member.user.email, "password": PASSWORD})
    assert "Firefox on Windows" in browser.get("/profile/sessions/").content.decode()
    browser.post("/sign-out/")
    client_after_password(member)
    assert "Unknown browser" in client_after_password(member).get("/profile/sessions/").content.decode()
