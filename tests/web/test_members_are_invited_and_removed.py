"""Members: invited by link or mail, roles, leaving, removing; a team always keeps an owner."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from exports.errors import ConflictError, InvalidError
from exports.models import AuditEntry, Invitation, Member, Team, Token, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.people import invitations, members
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast

TEAM = "/t/the-team/"


def invited(cast: Cast, email: str = "", role: str = MEMBER) -> str:
    """Where a new invitation's link leads."""
    return f"/invitations/{invitations.create_invitation(cast.team, cast.owner.user, role, email)[1]}/"


def link_on(page: str) -> str:
    found = re.search(r'value="http://[^/]+(/invitations/[\w-]+/)"', page)
    assert found
    return found[1]


@pytest.fixture
def newcomer(db: None) -> tuple[User, Client]:
    user = User.objects.create_user("new@example.org", PASSWORD, name="New")
    client = Client()
    client.force_login(user)
    return user, client


# ---------------------------------------------------------------- the list


def test_every_role_sees_the_members(as_viewer: Client, cast: Cast) -> None:
    page = as_viewer.get(f"{TEAM}members/").content.decode()
    for one in (cast.owner, cast.member, cast.viewer):
        assert one.user.email in page
    assert "outsider@example.org" not in page
    assert "Invite somebody" not in page
    assert f"members/{cast.member.pk}/" not in page


def test_last_seen_is_the_latest_sign_in_or_use_of_a_token(cast: Cast) -> None:
    signed_in, used = timezone.now() - timedelta(days=2), timezone.now() - timedelta(days=1)
    User.objects.filter(pk=cast.member.user.pk).update(last_login=signed_in)
    User.objects.filter(pk=cast.viewer.user.pk).update(last_login=signed_in)
    Token.issue(cast.viewer)
    Token.objects.update(used_at=used)
    seen = {one.role: at for one, at in members.list_members(cast.team)}
    assert seen == {OWNER: None, MEMBER: signed_in, VIEWER: used}


def test_the_number_of_queries_does_not_grow_with_members(
    as_owner: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        user = User.objects.create_user(f"p{number}@example.org")
        Token.issue(Member.objects.create(team=cast.team, user=user))
        invited(cast, f"i{number}@example.org")
    with django_assert_max_num_queries(5):
        as_owner.get(f"{TEAM}members/")


# ---------------------------------------------------------------- inviting


def test_a_link_is_shown_once_and_only_its_hash_is_stored(as_owner: Client, cast: Cast) -> None:
    answer = as_owner.post(f"{TEAM}members/invite", {"email": "", "role": VIEWER})
    link = link_on(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    token = link.split("/")[2]
    invitation = Invitation.objects.get()
    assert invitation.digest == Invitation.digest_of(token)
    listed = as_owner.get(f"{TEAM}members/").content.decode()
    assert token not in listed
    assert f"Anyone with link {invitation.pk}" in listed
    assert mail.outbox == []


def test_an_invitation_for_an_address_is_mailed(as_owner: Client, cast: Cast) -> None:
    Team.objects.update(name="The\nTeam")
    page = as_owner.post(f"{TEAM}members/invite", {"email": " New@Example.org ", "role": MEMBER}).content.decode()
    assert "We sent the link to new@example.org" in page
    (message,) = mail.outbox
    assert message.to == ["new@example.org"]
    assert message.subject == "Join The Team in the Export portal"
    assert link_on(page) in message.body


def test_the_link_is_shown_when_the_mail_cannot_be_sent(
    as_owner: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> int:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", broken)
    page = as_owner.post(f"{TEAM}members/invite", {"email": "new@example.org", "role": MEMBER}).content.decode()
    assert "send the e-mail." in page
    assert link_on(page)


@pytest.mark.parametrize(
    ("email", "role", "said"),
    [
        ("nonsense", MEMBER, "is not an e-mail address"),
        ("MEMBER@example.org", MEMBER, "is in the team already"),
        ("", "emperor", "not one of the available choices"),
    ],
)
def test_invalid_invitations_are_refused(as_owner: Client, cast: Cast, email: str, role: str, said: str) -> None:
    answer = as_owner.post(f"{TEAM}members/invite", {"email": email, "role": role})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Invitation.objects.exists()


def test_a_second_invitation_for_an_address_replaces_the_first(cast: Cast, client: Client) -> None:
    first, second = invited(cast, "new@example.org"), invited(cast, "new@example.org")
    assert client.get(first).status_code == 410
    assert client.get(second).status_code == 200
    assert invitations.open_invitations(cast.team).count() == 1


def test_a_revoked_invitation_is_refused(as_owner: Client, cast: Cast, client: Client) -> None:
    link = invited(cast)
    pk = Invitation.objects.get().pk
    as_owner.post(f"{TEAM}members/invitations/{pk}/revoke")
    page = client.get(link)
    assert page.status_code == 410
    assert "Ask for a new one." in page.content.decode()
    again = as_owner.post(f"{TEAM}members/invitations/{pk}/revoke", follow=True).content.decode()
    assert "accepted or revoked already" in again


# ---------------------------------------------------------------- joining


def test_a_signed_in_user_can_join(cast: Cast, newcomer: tuple[User, Client]) -> None:
    user, browser = newcomer
    link = invited(cast, role=VIEWER)
    assert "You join as new@example.org." in browser.get(link).content.decode()
    assert not Member.objects.filter(user=user).exists()
    assert browser.post(link)["Location"] == TEAM
    assert Member.objects.get(user=user).role == VIEWER
    assert browser.get(TEAM).status_code == 200


def test_an_invitation_can_be_accepted_once(cast: Cast, newcomer: tuple[User, Client], as_outsider: Client) -> None:
    link = invited(cast)
    newcomer[1].post(link)
    used = as_outsider.post(link)
    assert used.status_code == 410
    assert "was used already" in used.content.decode()
    assert "re already in The Team" in newcomer[1].get(link).content.decode()
    assert not Member.objects.filter(team=cast.team, user=cast.outsider.user).exists()


def test_an_expired_invitation_says_what_to_do(cast: Cast, newcomer: tuple[User, Client]) -> None:
    link = invited(cast)
    Invitation.objects.update(expires_at=timezone.now())
    page = newcomer[1].post(link)
    assert page.status_code == 410
    assert "has expired. Ask for a new one" in page.content.decode()
    assert not Member.objects.filter(user=newcomer[0]).exists()


def test_an_invitation_for_an_address_is_for_that_address_only(cast: Cast, as_outsider: Client) -> None:
    link = invited(cast, "new@example.org")
    assert "re signed in as" in as_outsider.get(link).content.decode()
    assert as_outsider.post(link).status_code == 409
    assert not Member.objects.filter(team=cast.team, user=cast.outsider.user).exists()
    assert Invitation.objects.get().is_open


def test_a_member_does_not_use_up_an_invitation(cast: Cast, as_member: Client) -> None:
    link = invited(cast, role=OWNER)
    as_member.post(link)
    assert Invitation.objects.get().is_open
    cast.member.refresh_from_db()
    assert cast.member.role == MEMBER


def test_a_new_user_gets_an_account_with_the_invited_address(cast: Cast, client: Client) -> None:
    link = invited(cast, "new@example.org")
    page = client.get(link).content.decode()
    assert 'value="new@example.org"' in page
    sent = {"email": "other@example.org", "name": "Nell", "password": PASSWORD, "time_zone": "Asia/Tokyo"}
    assert client.post(link, sent)["Location"] == TEAM
    user = User.objects.get(email="new@example.org")
    assert (user.name, user.check_password(PASSWORD), user.time_zone) == ("Nell", True, "Asia/Tokyo")
    assert client.get(TEAM).status_code == 200
    assert not User.objects.filter(email="other@example.org").exists()


def test_a_zone_that_no_profile_offers_is_not_taken(cast: Cast, client: Client) -> None:
    sent = {"email": "x@example.org", "name": "Nell", "password": PASSWORD, "time_zone": "<Mars>"}
    assert client.post(invited(cast, "new@example.org"), sent)["Location"] == TEAM
    assert User.objects.get(email="new@example.org").time_zone == "UTC"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "1234567890123"}, "entirely numeric"),
        ({"email": "nonsense"}, "Enter your e-mail address"),
        ({"email": "Member@example.org"}, "There is an account with this address."),
        ({"name": ""}, "This field is required"),
    ],
)
def test_invalid_accounts_are_refused(cast: Cast, client: Client, changed: dict[str, str], said: str) -> None:
    link = invited(cast)
    before = User.objects.count()
    answer = client.post(link, {"email": "new@example.org", "name": "Nell", "password": PASSWORD, **changed})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    assert PASSWORD not in page
    assert User.objects.count() == before
    assert Invitation.objects.get().is_open


def test_a_user_with_an_account_is_asked_to_sign_in(cast: Cast, client: Client) -> None:
    User.objects.create_user("new@example.org", PASSWORD)
    link = invited(cast, "new@example.org")
    page = client.get(link).content.decode()
    assert f"/sign-in/?next={link}" in page
    assert "Make an account" not in page
    client.post("/sign-in/", {"username": "new@example.org", "password": PASSWORD, "next": link})
    assert client.post(link)["Location"] == TEAM


def test_an_unknown_invitation_is_refused(client: Client, db: None) -> None:
    assert client.get("/invitations/nonsense/").status_code == 404


# ---------------------------------------------------------------- roles, leaving, removing


def test_an_owner_can_change_a_role(as_owner: Client, cast: Cast) -> None:
    as_owner.post(f"{TEAM}members/{cast.member.pk}/role", {"role": VIEWER})
    cast.member.refresh_from_db()
    assert cast.member.role == VIEWER
    assert as_owner.post(f"{TEAM}members/{cast.member.pk}/role", {"role": "emperor"}).status_code == 422


@pytest.mark.parametrize("way", ["role", "remove", "leave"])
def test_the_last_owner_cannot_be_demoted_or_removed(as_owner: Client, cast: Cast, way: str) -> None:
    path = "leave" if way == "leave" else f"{cast.owner.pk}/{way}"
    answer = as_owner.post(f"{TEAM}members/{path}", {"role": MEMBER})
    assert answer.status_code == 422
    assert "A team needs an owner." in answer.content.decode()
    cast.owner.refresh_from_db()
    assert cast.owner.role == OWNER


def test_an_inactive_owner_does_not_count_as_an_owner(cast: Cast) -> None:
    cast.member.role = OWNER
    cast.member.save()
    User.objects.filter(pk=cast.member.user.pk).update(is_active=False)
    with pytest.raises(ConflictError):
        members.leave_team(cast.owner)


def test_the_role_is_checked_again_under_the_lock(cast: Cast) -> None:
    """Two owners, each loaded while the other still was one."""
    cast.member.role = OWNER
    cast.member.save()
    first, second = Member.objects.get(pk=cast.owner.pk), Member.objects.get(pk=cast.member.pk)
    members.leave_team(first)
    with pytest.raises(ConflictError):
        members.change_role(second, VIEWER, second.user)
    with pytest.raises(ConflictError, match="no longer in the team"):
        members.remove_member(first, second.user)
    with pytest.raises(InvalidError):
        members.change_role(second, "emperor", None)


def test_every_other_member_can_leave(as_viewer: Client, cast: Cast) -> None:
    assert as_viewer.get(f"{TEAM}members/leave").status_code == 200
    as_viewer.post(f"{TEAM}members/leave")
    assert as_viewer.get(TEAM).status_code == 404
    assert AuditEntry.objects.get(verb="left").actor == "viewer@example.org"


def test_removing_a_member_says_what_ends_and_what_stays(as_owner: Client, cast: Cast, client: Client) -> None:
    token = Token.issue(cast.member)
    export = factories.processing_export(cast)
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/api/v1/me", headers=bearer).status_code == 200
    page = as_owner.get(f"{TEAM}members/{cast.member.pk}/").content.decode()
    assert "1 API token of this team stops working at once" in page
    assert "1 running export continues and stays with the team" in page
    as_owner.post(f"{TEAM}members/{cast.member.pk}/remove")
    assert client.get("/api/v1/me", headers=bearer).status_code == 401
    export.refresh_from_db()
    assert export.is_open
    assert export.user == cast.member.user
    assert as_owner.get(f"{TEAM}exports/{export.pk}/").status_code == 200


@pytest.mark.parametrize("path", ["invite", "{m}/", "{m}/role", "{m}/remove", "invitations/{i}/revoke"])
def test_only_owners_manage_members(as_member: Client, as_outsider: Client, cast: Cast, path: str) -> None:
    invited(cast)
    place = path.format(m=cast.viewer.pk, i=Invitation.objects.get().pk)
    assert as_member.post(f"{TEAM}members/{place}", {"role": OWNER}).status_code == 403
    assert as_outsider.post(f"{TEAM}members/{place}", {"role": OWNER}).status_code == 404
    if "{" in path:
        assert as_outsider.post(f"/t/other-team/members/{place}", {"role": OWNER}).status_code == 404
    assert Member.objects.filter(pk=cast.viewer.pk, role=VIEWER).exists()
    assert Invitation.objects.get().is_open
