"""Signing in and out, and the page that is opened afterwards."""

import pytest
from django.test import Client

from exports.models import Member, Team
from tests.helpers.cast import PASSWORD, Cast


def test_an_anonymous_request_is_redirected_to_the_sign_in_page(client: Client, cast: Cast) -> None:
    answer = client.get("/t/the-team/exports/?status=failed")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/t/the-team/exports/%3Fstatus%3Dfailed"
    page = client.post(answer["Location"], {"username": "Member@Example.org", "password": PASSWORD, "next": ""})
    assert page.status_code == 302


def test_the_form_keeps_the_requested_page(client: Client, cast: Cast) -> None:
    page = client.get("/sign-in/?next=/t/the-team/exports/")
    assert 'name="next" value="/t/the-team/exports/"' in page.content.decode()
    sent = {"username": "member@example.org", "password": PASSWORD, "next": "/t/the-team/exports/"}
    assert client.post("/sign-in/", sent)["Location"] == "/t/the-team/exports/"


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_requested_page_cannot_be_on_another_host(client: Client, cast: Cast, there: str) -> None:
    sent = {"username": "member@example.org", "password": PASSWORD, "next": there}
    assert client.post("/sign-in/", sent)["Location"] == "/"


def test_a_wrong_password_and_an_unknown_account_get_the_same_message(client: Client, cast: Cast) -> None:
    texts = set()
    for email in ("member@example.org", "nobody@example.org"):
        page = client.post("/sign-in/", {"username": email, "password": "wrong"})
        assert page.status_code == 200
        assert "Wrong e-mail or password" in page.content.decode()
        texts.add(page.content.decode().count("Wrong e-mail or password"))
    assert texts == {1}


def test_one_team_is_opened_at_once_and_several_are_offered(as_member: Client, member: Member) -> None:
    assert as_member.get("/")["Location"] == "/t/the-team/"
    second = Team.objects.create(name="Second", slug="second")
    Member.objects.create(team=second, user=member.user)
    page = as_member.get("/")
    assert page.status_code == 200
    assert "/t/second/" in page.content.decode()


def test_signing_out_requires_a_post_request(as_member: Client) -> None:
    assert as_member.get("/sign-out/").status_code == 200
    assert as_member.get("/t/the-team/").status_code == 200
    assert as_member.post("/sign-out/")["Location"] == "/sign-in/"
    assert as_member.get("/t/the-team/").status_code == 302


def test_a_live_refresh_without_a_session_reloads_the_page(client: Client, cast: Cast) -> None:
    answer = client.get("/t/the-team/", headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"
    assert not answer.content


def test_the_address_of_an_anonymous_post_is_not_kept_as_the_requested_page(client: Client, cast: Cast) -> None:
    assert client.post("/t/the-team/exports/1/cancel")["Location"] == "/sign-in/?next=/"
