"""A team can require a second factor for its pages; tokens of the API are not affected."""

import re

import time_machine
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from exports.models import AuditEntry, Member, Team, Token
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.second_factors import add_totp, set_up_totp

PLACE = "/t/the-team/members/second-factor"


def demand(cast: Cast) -> None:
    Team.objects.filter(pk=cast.team.pk).update(require_second_factor=True)


def test_an_owner_with_a_second_factor_can_require_it(cast: Cast, clock: time_machine.Traveller) -> None:
    add_totp(cast.owner)
    owner = client_of(cast.owner)
    assert (
        "Two-factor authentication is required now"
        in owner.post(PLACE, {"demand": "yes"}, follow=True).content.decode()
    )
    assert Team.objects.filter(require_second_factor=True).get() == cast.team
    owner.post(PLACE, {"demand": "no"})
    assert not Team.objects.filter(require_second_factor=True).exists()
    noted = AuditEntry.objects.filter(verb="demanded").order_by("pk").values_list("target", flat=True)
    assert list(noted) == ["a second factor", "no second factor any more"]


def test_an_owner_without_a_second_factor_cannot_require_it(cast: Cast, as_owner: Client) -> None:
    page = as_owner.post(PLACE, {"demand": "yes"}, follow=True).content.decode()
    assert "Set up two-factor authentication for yourself first" in page
    assert not Team.objects.filter(require_second_factor=True).exists()


def test_members_cannot_require_it(cast: Cast, as_member: Client) -> None:
    assert as_member.post(PLACE, {"demand": "yes"}).status_code == 403


def test_members_without_a_second_factor_are_redirected_to_set_one_up(
    cast: Cast, as_member: Client, clock: time_machine.Traveller
) -> None:
    demand(cast)
    for path in ("", "exports/", "members/", "exports.csv"):
        assert as_member.get(f"/t/the-team/{path}")["Location"] == "/profile/second-factor/"
    page = as_member.get("/profile/second-factor/").content.decode()
    assert "The Team requires two-factor authentication." in page
    live = as_member.get("/t/the-team/", headers={"HX-Request": "true"})
    assert live["HX-Refresh"] == "true"
    set_up_totp(as_member)
    assert as_member.get("/t/the-team/").status_code == 200


def test_other_teams_members_learn_nothing(cast: Cast, as_outsider: Client) -> None:
    demand(cast)
    assert as_outsider.get("/t/the-team/").status_code == 404
    assert as_outsider.get("/t/other-team/").status_code == 200


def test_tokens_are_still_accepted(cast: Cast, client: Client) -> None:
    token = Token.issue(cast.member)
    demand(cast)
    assert client.get("/api/v1/exports", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_the_list_of_members_shows_who_has_a_second_factor(
    cast: Cast, as_viewer: Client, clock: time_machine.Traveller
) -> None:
    add_totp(cast.owner)
    page = as_viewer.get("/t/the-team/members/").content.decode()
    assert re.findall(r'#(shield|ring)"></use></svg>(On|Off)', page) == [
        ("ring", "Off"),
        ("shield", "On"),
        ("ring", "Off"),
    ]
    assert Member.objects.filter(team=cast.team).count() == 3


def test_requiring_it_costs_a_page_one_query_more(
    cast: Cast, as_owner: Client, clock: time_machine.Traveller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    add_totp(cast.owner)
    demand(cast)
    with django_assert_max_num_queries(8):
        as_owner.get("/t/the-team/")


def test_a_token_cannot_be_created_without_a_second_factor(
    cast: Cast, as_member: Client, clock: time_machine.Traveller
) -> None:
    demand(cast)
    said = {"team": str(cast.member.pk), "name": "script", "scope": "write", "days": ""}
    refused = as_member.post("/profile/tokens", said)
    assert refused.status_code == 422
    assert "The Team requires two-factor authentication. Set it up first" in refused.content.decode()
    assert not Token.objects.exists()
    set_up_totp(as_member)
    assert as_member.post("/profile/tokens", said).status_code == 200
    assert Token.objects.get().member == cast.member
