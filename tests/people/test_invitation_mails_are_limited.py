"""The number of invitation mails is limited, per address and per team; links without an address are not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from exports.errors import InvalidError
from exports.models import Invitation
from exports.people import invitations
from tests.helpers.cast import Cast


def test_one_address_gets_a_few_mails_a_day_whoever_invites(cast: Cast) -> None:
    for team, owner in [(cast.team, cast.owner), (cast.other_team, cast.outsider)] * 2 + [(cast.team, cast.owner)]:
        invitations.create_invitation(team, owner.user, "viewer", "Nell@example.org")
    with pytest.raises(InvalidError) as refused:
        invitations.create_invitation(cast.other_team, cast.outsider.user, "viewer", "nell@example.org")
    assert refused.value.errors == {
        "email": ["Too many invitations to nell@example.org today. Leave the address empty and send the link yourself."]
    }
    assert invitations.open_invitations(cast.team).get().email == "nell@example.org", "the last one still stands"
    invitations.create_invitation(cast.team, cast.owner.user, "viewer")
    Invitation.objects.update(created_at=timezone.now() - timedelta(days=1))
    invitations.create_invitation(cast.team, cast.owner.user, "viewer", "nell@example.org")


def test_the_mails_of_a_team_are_limited(cast: Cast) -> None:
    for number in range(invitations.MAX_MAILED_PER_HOUR):
        invitations.create_invitation(cast.team, cast.owner.user, "member", f"guest-{number}@example.org")
    with pytest.raises(InvalidError, match="50 invitations were mailed"):
        invitations.create_invitation(cast.team, cast.owner.user, "member", "one-more@example.org")
    invitations.create_invitation(cast.team, cast.owner.user, "member")
    invitations.create_invitation(cast.other_team, cast.outsider.user, "member", "one-more@example.org")
