"""A valid token of a member is accepted; every other one is 401, and a read token does not write."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from exports.models import Export, Member, Token
from exports.models.token import READ
from tests.api.conftest import ApiClient, problem_body


def test_a_token_identifies_its_member(member: Member) -> None:
    assert ApiClient(member, READ).get("/me").json() == {
        "user": {"id": member.user.pk, "email": "member@example.org", "name": "Member"},
        "team": {"id": member.team.pk, "slug": "the-team", "name": "The Team"},
        "role": "member",
        "scope": "read",
    }


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer nonsense", "Basic bWU6c2VjcmV0", "Token {token}", "{token}", "Bearer {token}x"],
)
def test_without_a_good_token_it_is_401(member_api: ApiClient, header: str) -> None:
    answer = member_api.get("/me", Authorization=header.format(token=member_api.token))
    problem_body(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_no_header_at_all_is_401(db: None) -> None:
    problem_body(ApiClient(None).get("/me"), 401)


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_may_be_written_in_any_case(member_api: ApiClient, word: str) -> None:
    assert member_api.get("/me", Authorization=f"{word} {member_api.token}").status_code == 200


def test_a_revoked_token_is_401_at_once(member_api: ApiClient) -> None:
    assert member_api.get("/me").status_code == 200
    Token.objects.update(revoked_at=timezone.now())
    assert "was revoked on" in problem_body(member_api.get("/me"), 401)["detail"]


def test_an_expired_token_is_401(member_api: ApiClient) -> None:
    Token.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert member_api.get("/me").status_code == 200
    Token.objects.update(expires_at=timezone.now())
    answer = member_api.get("/me")
    assert "expired on" in problem_body(answer, 401)["detail"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_of_an_inactive_person_is_401(member_api: ApiClient, member: Member) -> None:
    member.user.is_active = False
    member.user.save()
    problem_body(member_api.get("/me"), 401)


def test_a_token_ends_with_the_membership(member_api: ApiClient, member: Member) -> None:
    member.delete()
    problem_body(member_api.get("/me"), 401)


def test_the_database_does_not_contain_the_token(member_api: ApiClient) -> None:
    row = Token.objects.get()
    assert member_api.token not in [str(value) for value in vars(row).values()]
    assert member_api.token.startswith(row.prefix)


def test_its_use_is_recorded_once_a_minute(member_api: ApiClient) -> None:
    member_api.get("/me")
    first = Token.objects.get().used_at
    member_api.get("/me")
    assert Token.objects.get().used_at == first
    Token.objects.update(used_at=timezone.now() - timedelta(seconds=61))
    member_api.get("/me")
    assert Token.objects.get().used_at > first


def test_a_session_does_not_authenticate(db: None, member: Member) -> None:
    nobody = ApiClient(None)
    nobody.client.force_login(member.user)
    problem_body(nobody.get("/me"), 401)


def test_a_read_token_does_not_write(api: Callable[..., ApiClient], owner: Member, export: Export) -> None:
    reader = api(owner, READ)
    assert reader.get(f"/exports/{export.pk}").status_code == 200
    body = problem_body(reader.post(f"/exports/{export.pk}/cancel"), 403)
    assert "scope write" in body["detail"]
