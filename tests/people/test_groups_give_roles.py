"""At each sign-in with OpenID Connect the groups that it names decide the roles in the teams that OIDC_GROUPS names."""

import os
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import responses
from django.core.exceptions import ImproperlyConfigured
from pytest_django.fixtures import Settings

from exports.models import AuditEntry, Member, Schedule, Team, User
from exports.people.group_roles import read_groups
from portal import openid_groups
from tests.helpers.cast import Cast
from tests.helpers.second_factors import is_signed_in
from tests.people.test_sign_in_with_openid_connect import KNOWN, come_back, provider

__all__ = ["provider"]


@pytest.fixture
def sign_in(cast: Cast, provider: responses.RequestsMock, settings: Settings) -> Callable[..., bool]:
    """sign_in(groups, email): signs in as somebody with these groups; whether that worked."""
    slug = cast.team.slug
    settings.OIDC_GROUPS_CLAIM = "groups"
    settings.OIDC_GROUPS = {
        "staff": [{"team": slug, "role": "viewer"}],
        "makers": [{"team": slug, "role": "member"}],
        "leads": [{"team": slug, "role": "owner"}, {"team": "nobody-s-team", "role": "owner"}],
    }

    def run(*groups: str, email: str = "member@example.org", **claims: Any) -> bool:
        return is_signed_in(come_back(provider, {**KNOWN, "email": email, "groups": list(groups), **claims}))

    return run


def role(cast: Cast, email: str = "member@example.org") -> str | None:
    return Member.objects.filter(team=cast.team, user__email=email).values_list("role", flat=True).first()


def events(cast: Cast) -> list[tuple[str, str, str]]:
    rows = AuditEntry.objects.filter(team=cast.team, actor="Example ID").order_by("pk")
    return list(rows.values_list("verb", "target", "detail"))


def test_the_highest_role_of_the_groups_counts(cast: Cast, sign_in: Callable[..., bool]) -> None:
    assert sign_in("staff", "leads", "a group of something else")
    assert role(cast) == "owner"
    assert events(cast) == [("changed role", "member member@example.org", "from member to owner")]


def test_a_role_is_lowered_with_the_group(cast: Cast, sign_in: Callable[..., bool]) -> None:
    assert sign_in("staff")
    assert role(cast) == "viewer"


def test_the_same_groups_change_nothing(cast: Cast, sign_in: Callable[..., bool]) -> None:
    assert sign_in("makers")
    assert sign_in("makers")
    assert (role(cast), events(cast)) == ("member", [])


def test_somebody_without_a_group_leaves_the_team_with_what_hangs_on_it(
    cast: Cast, sign_in: Callable[..., bool]
) -> None:
    assert sign_in("else")
    assert role(cast) is None
    assert events(cast) == [("removed", "member member@example.org", "was member")]
    assert not Schedule.objects.filter(owner=cast.member.user, enabled=True).exists()


def test_somebody_with_a_group_joins_the_team(cast: Cast, sign_in: Callable[..., bool]) -> None:
    User.objects.create_user("new@example.org", "a long enough one")
    assert sign_in("makers", email="new@example.org")
    assert role(cast, "new@example.org") == "member"
    assert events(cast) == [("added", "member new@example.org", "as member")]


def test_other_teams_are_left_alone(cast: Cast, sign_in: Callable[..., bool]) -> None:
    other = Team.objects.create(name="By hand", slug="by-hand")
    Member.objects.create(team=other, user=cast.member.user, role="owner")
    assert sign_in()
    assert Member.objects.filter(team=other, user=cast.member.user, role="owner").exists()


@pytest.mark.parametrize("groups", [("staff",), ()])
def test_the_last_owner_stays_and_that_is_said_once(
    cast: Cast, sign_in: Callable[..., bool], groups: tuple[str, ...]
) -> None:
    assert sign_in(*groups, email="owner@example.org")
    assert sign_in(*groups, email="owner@example.org")
    assert role(cast, "owner@example.org") == "owner"
    assert [(verb, target) for verb, target, _ in events(cast)] == [("kept", "owner owner@example.org")]
    assert "a team needs an owner" in events(cast)[0][2]


@pytest.mark.parametrize("claim", [None, 7, {"makers": True}, ["makers", 7]])
def test_without_a_claim_that_can_be_read_nothing_changes(
    cast: Cast, sign_in: Callable[..., bool], claim: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sign_in(groups=claim)
    assert role(cast) == "member"
    assert "sent no claim groups" in caplog.text


def test_an_inactive_person_gets_nothing(cast: Cast, sign_in: Callable[..., bool]) -> None:
    User.objects.filter(pk=cast.member.user.pk).update(is_active=False)
    assert not sign_in("leads")
    assert role(cast) == "member"


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"groups": ["a"]}, ["a"]),
        ({"groups": "a"}, ["a"]),
        ({"groups": []}, []),
        ({}, None),
    ],
)
def test_the_claim_is_a_list_or_one_name(claims: dict[str, Any], found: list[str] | None) -> None:
    assert read_groups(claims, "groups") == found


def test_the_claim_may_lie_in_another_one() -> None:
    assert read_groups({"realm_access": {"roles": ["a"]}}, "realm_access.roles") == ["a"]
    assert read_groups({"https://example.org/groups": ["a"]}, "https://example.org/groups") == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "eng",
        "[]",
        '{"eng": "acme"}',
        '{"eng": {"team": "acme"}}',
        '{"eng": {"team": "acme", "role": "boss"}}',
        '{"eng": {"team": 7, "role": "owner"}}',
        '{"eng": [{"team": "acme", "role": "owner", "more": 1}]}',
    ],
)
def test_a_mapping_that_cannot_be_read_stops_the_start(text: str) -> None:
    with patch.dict(os.environ, OIDC_GROUPS=text), pytest.raises(ImproperlyConfigured, match="OIDC_GROUPS"):
        openid_groups.mapping()


def test_a_group_may_give_roles_in_several_teams() -> None:
    text = '{"eng": {"team": "acme", "role": "member"}, "all": [{"team": "acme", "role": "viewer"}]}'
    with patch.dict(os.environ, OIDC_GROUPS=text):
        assert openid_groups.mapping() == {
            "eng": [{"team": "acme", "role": "member"}],
            "all": [{"team": "acme", "role": "viewer"}],
        }
