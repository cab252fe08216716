"""A good token of a member opens the API; everything else is 401, and a read token does not write."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Export, Member, Token
from exports.models.token import READ
from tests.api.conftest import Api, problem


def test_a_token_says_whose_it_is(member: Member) -> None:
    assert Api(member, READ).get("/me").json() == {
        "user": {"id": member.user.pk, "email": "member@example.org", "name": "Member"},
        "team": {"id": member.team.pk, "slug": "the-team", "name": "The Team"},
        "role": "member",
        "scope": "read",
    }


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic bWU6c2VjcmV0", "Token {token}", "{token}", "Bearer {token}x"],
)
def test_without_a_good_token_it_is_401(mine: Api, header: str) -> None:
    answer = mine.get("/me", Authorization=header.format(token=mine.token))
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_header_at_all_is_401(db: None) -> None:
    problem(Api(None).get("/me"), 401)


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(mine: Api, word: str) -> None:
    assert mine.get("/me", Authorization=f"{word} {mine.token}").status_code == 200


def test_a_revoked_token_is_401_at_once(mine: Api) -> None:
    assert mine.get("/me").status_code == 200
    Token.objects.update(revoked_at=timezone.now())
    problem(mine.get("/me"), 401)


def test_an_expired_token_is_401(mine: Api) -> None:
    Token.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert mine.get("/me").status_code == 200
    Token.objects.update(expires_at=timezone.now())
    problem(mine.get("/me"), 401)


def test_a_token_of_an_inactive_person_is_401(mine: Api, member: Member) -> None:
    member.user.is_active = False
    member.user.save()
    problem(mine.get("/me"), 401)


def test_a_token_ends_with_the_membership(mine: Api, member: Member) -> None:
    member.delete()
    problem(mine.get("/me"), 401)


def test_the_token_itself_is_not_in_the_database(mine: Api) -> None:
    row = Token.objects.get()
    assert mine.token not in [str(value) for value in vars(row).values()]
    assert mine.token.startswith(row.prefix)


def test_its_use_is_noted_once_a_minute(mine: Api) -> None:
    mine.get("/me")
    first = Token.objects.get().used_at
    mine.get("/me")
    assert Token.objects.get().used_at == first
    Token.objects.update(used_at=timezone.now() - timedelta(seconds=61))
    mine.get("/me")
    assert Token.objects.get().used_at > first


def test_a_sign_in_on_the_pages_is_no_token(db: None, member: Member) -> None:
    nobody = Api(None)
    nobody.client.force_login(member.user)
    problem(nobody.get("/me"), 401)


def test_a_read_token_does_not_write(api: Callable[..., Api], owner: Member, export: Export) -> None:
    reader = api(owner, READ)
    assert reader.get(f"/exports/{export.pk}").status_code == 200
    body = problem(reader.post(f"/exports/{export.pk}/cancel"), 403)
    assert "scope write" in body["detail"]
