"""Nobody can sign up without an invitation."""

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

from exports.models import User
from tests.helpers.cast import PASSWORD, Cast


def test_signing_up_says_to_ask_for_an_invitation(client: Client, cast: Cast) -> None:
    before = User.objects.count()
    page = client.get("/sign-up/").content.decode()
    assert "Accounts need an invitation" in page
    sent = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert "Accounts need an invitation" in client.post("/sign-up/", sent).content.decode()
    assert User.objects.count() == before


@pytest.mark.parametrize(
    "name", ["account_email", "account_request_login_code", "account_confirm_email", "socialaccount_signup"]
)
def test_features_that_are_not_offered_have_no_route(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)


def test_an_inactive_account_is_revealed_only_after_the_right_password(client: Client, cast: Cast) -> None:
    User.objects.filter(pk=cast.member.user.pk).update(is_active=False)
    sent = {"username": cast.member.user.email, "password": "wrong"}
    assert "Wrong e-mail or password" in client.post("/sign-in/", sent).content.decode()
    answer = client.post("/sign-in/", {**sent, "password": PASSWORD}, follow=True)
    assert "t active" in answer.content.decode()
    assert client.get("/profile/").status_code == 302


def test_the_admin_site_uses_the_same_sign_in(client: Client, cast: Cast) -> None:
    assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/sign-in/?next=")
    sent = {"username": cast.member.user.email, "password": PASSWORD}
    assert client.post("/admin/login/", sent)["Location"].startswith("/sign-in/")
    assert client.get("/profile/").status_code == 302
