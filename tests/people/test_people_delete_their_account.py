"""A person deletes their own account on the profile: after signing in again, with the address typed."""

from django.test import Client

from exports.models import User
from exports.models.team import OWNER
from exports.people import members
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of, recently_authenticated

PAGE = "/profile/delete"


def test_the_password_is_asked_for_first(as_member: Client, cast: Cast) -> None:
    for answer in (as_member.get(PAGE), as_member.post(PAGE, {"address": cast.member.user.email})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/profile/again/")
    assert User.objects.get(pk=cast.member.user.pk).erased_at is None


def test_the_page_says_what_goes_in_each_team_and_the_profile_leads_to_it(as_member: Client, cast: Cast) -> None:
    assert PAGE in as_member.get("/profile/").content.decode()
    page = recently_authenticated(as_member).get(PAGE).content.decode()
    assert "The Team" in page
    assert "No schedules" in page
    assert "Type member@example.org to confirm" in page


def test_another_text_deletes_nothing(as_member: Client, cast: Cast) -> None:
    answer = recently_authenticated(as_member).post(PAGE, {"address": "owner@example.org"})
    assert answer.status_code == 422
    assert "not your e-mail address" in answer.content.decode()
    assert User.objects.get(pk=cast.member.user.pk).erased_at is None


def test_the_typed_address_deletes_the_account_and_signs_out(as_member: Client, cast: Cast) -> None:
    answer = recently_authenticated(as_member).post(PAGE, {"address": " Member@Example.org "}, follow=True)
    assert "Your account was deleted" in answer.content.decode()
    assert answer.request["PATH_INFO"] == "/sign-in/"
    assert User.objects.get(pk=cast.member.user.pk).erased_at is not None


def test_the_only_owner_of_a_team_with_others_is_told_what_to_do_first(as_owner: Client, cast: Cast) -> None:
    browser = recently_authenticated(as_owner)
    page = browser.get(PAGE).content.decode()
    assert "Make someone else an owner first" in page
    assert 'href="/t/the-team/members/"' in page
    assert "Delete my account" not in page
    answer = browser.post(PAGE, {"address": "owner@example.org"})
    assert answer.status_code == 422
    members.change_role(cast.member, OWNER, cast.owner.user)
    assert "Delete my account" in browser.get(PAGE).content.decode()


def test_whoever_shares_the_browser_is_not_asked_for_the_other_account(cast: Cast) -> None:
    browser = recently_authenticated(client_of(cast.viewer))
    browser.post(PAGE, {"address": "viewer@example.org"})
    assert browser.get("/t/the-team/").status_code == 302
