"""An invitation is valid as long as its creator is an owner of the team."""

import pytest
from django.test import Client

from exports.errors import ConflictError
from exports.models import Member, User
from exports.models.team import MEMBER, OWNER, VIEWER
from exports.people import invitations, members
from tests.helpers.cast import PASSWORD, Cast


@pytest.fixture
def link(cast: Cast) -> str:
    """A link that makes whoever has it an owner, made by somebody who is one for now."""
    Member.objects.filter(pk=cast.member.pk).update(role=OWNER)
    return invitations.create_invitation(cast.team, cast.member.user, OWNER)[1]


def take(link: str) -> int:
    said = {"email": "again@example.org", "name": "Again", "password": PASSWORD}
    return Client().post(f"/invitations/{link}/", said).status_code


def test_an_invitation_is_valid_while_its_creator_is_an_owner(cast: Cast, link: str) -> None:
    assert take(link) == 302
    assert Member.objects.get(user__email="again@example.org").role == OWNER


@pytest.mark.parametrize("how", ["removed", "made a viewer", "made inactive", "gone from the admin site"])
def test_an_invitation_is_void_once_its_creator_is_no_owner(cast: Cast, link: str, how: str) -> None:
    match how:
        case "removed":
            members.remove_member(Member.objects.get(pk=cast.member.pk), cast.owner.user)
        case "made a viewer":
            members.change_role(Member.objects.get(pk=cast.member.pk), VIEWER, cast.owner.user)
        case "made inactive":
            User.objects.filter(pk=cast.member.user.pk).update(is_active=False)
        case _:
            Member.objects.filter(pk=cast.member.pk).delete()
    assert take(link) == 410
    assert not User.objects.filter(email="again@example.org").exists()
    assert not invitations.open_invitations(cast.team).exists()
    invitation = invitations.find_invitation(link)
    assert invitation is not None
    with pytest.raises(ConflictError, match="no longer an owner"):
        invitations.accept_invitation(invitation, cast.outsider.user)


def test_invitations_of_other_owners_stay_valid(cast: Cast, link: str) -> None:
    _, other = invitations.create_invitation(cast.team, cast.owner.user, MEMBER)
    members.remove_member(Member.objects.get(pk=cast.member.pk), cast.owner.user)
    assert take(other) == 302
