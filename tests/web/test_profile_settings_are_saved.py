"""The profile: name, time zone, colors, mails, password, tokens."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from exports.models import Member, OutboxMessage, Project, Token, User
from exports.notify.fan_out import fan_out
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.roles import TABLES

SETTINGS = {"name": "Mem Ber", "time_zone": "Asia/Tokyo", "theme": "dark", "mail_failure": "on"}


def test_the_settings_are_saved(as_member: Client, member: Member) -> None:
    assert as_member.post("/profile/", SETTINGS)["Location"] == "/profile/"
    user = User.objects.get(pk=member.user.pk)
    assert (user.name, user.time_zone, user.theme) == ("Mem Ber", "Asia/Tokyo", "dark")
    assert (user.mail_success, user.mail_failure) == (False, True)


@pytest.mark.parametrize("changed", [{"time_zone": "Mars/Olympus"}, {"theme": "pink"}, {"name": "x" * 151}])
def test_invalid_settings_are_refused(as_member: Client, member: Member, changed: dict[str, str]) -> None:
    answer = as_member.post("/profile/", {**SETTINGS, **changed})
    assert answer.status_code == 422
    assert 'data-theme="auto"' in answer.content.decode()
    assert User.objects.get(pk=member.user.pk).time_zone == "UTC"


def test_keyboard_shortcuts_are_turned_off(as_member: Client) -> None:
    assert 'id="keys"' in as_member.get("/t/the-team/").content.decode()
    as_member.post("/profile/", SETTINGS)
    page = as_member.get("/t/the-team/").content.decode()
    assert 'data-keys="off"' in page
    assert 'id="keys"' not in page


def test_the_form_cannot_set_staff(as_member: Client, member: Member) -> None:
    as_member.post("/profile/", {**SETTINGS, "is_staff": "on", "email": "evil@example.org"})
    user = User.objects.get(pk=member.user.pk)
    assert (user.is_staff, user.email) == (False, "member@example.org")


def test_times_are_shown_in_the_users_time_zone(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    Project.objects.update(created_at=datetime(2026, 5, 1, 20, 0, tzinfo=UTC))
    as_member.post("/profile/", SETTINGS)
    page = f"/t/the-team/projects/{project.pk}/"
    assert 'data-exact="Sat 2 May 2026, 05:00:00"' in as_member.get(page).content.decode()
    assert 'data-exact="Fri 1 May 2026, 20:00:00"' in as_viewer.get(page).content.decode()


def test_an_unknown_time_zone_counts_as_utc(as_member: Client, member: Member) -> None:
    User.objects.filter(pk=member.user.pk).update(time_zone="Gone/Away")
    assert as_member.get("/t/the-team/").status_code == 200


def test_the_page_has_the_chosen_colors(as_member: Client, client: Client, cast: Cast) -> None:
    assert 'data-theme="auto"' in client.get("/sign-in/").content.decode()
    as_member.post("/profile/", SETTINGS)
    page = as_member.get("/t/the-team/").content.decode()
    assert '<html lang="en" data-theme="dark"' in page
    assert '<meta name="color-scheme" content="dark">' in page


def test_mails_that_are_switched_off_are_not_sent(as_member: Client, cast: Cast) -> None:
    as_member.post("/profile/", SETTINGS)
    cast.member.user.refresh_from_db()
    factories.succeeded_export(cast)
    fan_out()
    assert OutboxMessage.objects.count() == 0
    factories.failed_export(cast)
    fan_out()
    assert OutboxMessage.objects.count() == 1


def test_a_new_password_ends_the_other_sessions(as_member: Client, member: Member) -> None:
    other = Client()
    other.force_login(member.user)
    new = "another horse battery staple"
    sent = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    wrong = as_member.post("/profile/password", {**sent, "old_password": "no"})
    assert wrong.status_code == 200
    assert new not in wrong.content.decode()
    short = as_member.post("/profile/password", {**sent, "new_password1": "short", "new_password2": "short"})
    assert "at least 10 characters" in short.content.decode()
    assert as_member.post("/profile/password", sent)["Location"] == "/profile/"
    assert as_member.get("/profile/").status_code == 200
    assert other.get("/profile/").status_code == 302
    assert User.objects.get(pk=member.user.pk).check_password(new)


@pytest.mark.parametrize("path", ["", "password", "tokens", "tokens/1/revoke"])
def test_anonymous_users_are_asked_to_sign_in(client: Client, db: None, path: str) -> None:
    assert client.get(f"/profile/{path}")["Location"].startswith("/sign-in/")
    assert client.post(f"/profile/{path}")["Location"].startswith("/sign-in/")


# ---------------------------------------------------------------- tokens


def made_token(browser: Client, member: Member, **more: str) -> str:
    sent = {"team": str(member.pk), "name": "script", "scope": "write", "days": "", **more}
    answer = browser.post("/profile/tokens", sent)
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r'value="(ep_[\w-]+)"', answer.content.decode())
    assert found
    return found[1]


def test_a_token_is_shown_once_and_works(as_member: Client, client: Client, member: Member) -> None:
    token = made_token(as_member, member)
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/me", headers=bearer).json()["scope"] == "write"
    page = as_member.get("/profile/").content.decode()
    assert token not in page
    assert token[:9] in page
    as_member.post(f"/profile/tokens/{Token.objects.get().pk}/revoke")
    assert client.get("/api/v1/me", headers=bearer).status_code == 401
    assert "Revoked the token" in as_member.get("/profile/").content.decode()
    assert token[:9] not in as_member.get("/profile/").content.decode()


def test_the_scope_and_the_expiry_of_a_token_are_chosen(as_viewer: Client, viewer: Member) -> None:
    made_token(as_viewer, viewer, scope="read", days="30")
    token = Token.objects.get()
    assert token.scope == "read"
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in (29, 30)


@pytest.mark.parametrize("changed", [{"team": "0"}, {"scope": "all"}, {"name": ""}, {"days": "9999"}])
def test_invalid_tokens_are_refused(as_member: Client, member: Member, changed: dict[str, str]) -> None:
    sent = {"team": str(member.pk), "name": "script", "scope": "write", "days": "", **changed}
    assert as_member.post("/profile/tokens", sent).status_code == 422
    assert not Token.objects.exists()


def test_tokens_of_other_users_cannot_be_revoked(as_member: Client, outsider: Member, owner: Member) -> None:
    Token.issue(owner)
    assert as_member.post(f"/profile/tokens/{Token.objects.get().pk}/revoke").status_code == 404
    sent = {"team": str(outsider.pk), "name": "script", "scope": "write"}
    assert as_member.post("/profile/tokens", sent).status_code == 422
    assert Token.objects.get().revoked_at is None


def test_the_number_of_queries_does_not_grow_with_tokens(
    as_member: Client, member: Member, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        Token.issue(member)
    with django_assert_max_num_queries(5):  # one for the team's navigation
        as_member.get("/profile/")
