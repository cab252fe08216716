"""Who is signed in keeps the team's navigation on error pages; those for 500 and 503 ask the database nothing."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from exports import access
from exports.models import Member
from exports.web import decorators, error_pages
from tests.helpers.cast import Cast

EXPORTS = 'href="/t/the-team/exports/"'


def failing(cast: Cast, error: Exception) -> HttpRequest:
    """A request whose view found its member and then failed, as Django hands it to the handler."""
    request = RequestFactory().get("/t/the-team/exports/")
    member = access.get_member(cast.member.user, cast.team.slug)
    setattr(request, decorators.FOUND_MEMBER, member)
    return request


def test_pages_not_found_and_refused_have_it(as_viewer: Client) -> None:
    for path, status in (
        ("/t/the-team/nothing/", 404),
        ("/t/other-team/", 404),
        ("/t/the-team/new/", 403),
        ("/x", 404),
    ):
        answer = as_viewer.get(path)
        page = answer.content.decode()
        assert answer.status_code == status, path
        assert EXPORTS in page, path
        assert 'href="/t/the-team/new/"' not in page, "a viewer runs nothing"


def test_an_expired_form_has_it(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.member.user)
    answer = strict.post("/t/the-team/exports/1/cancel")
    assert answer.status_code == 403
    assert "This form expired" in answer.content.decode()
    assert EXPORTS in answer.content.decode()


def test_with_several_teams_it_is_the_one_they_came_from(as_member: Client, cast: Cast) -> None:
    Member.objects.create(team=cast.other_team, user=cast.member.user)
    came = as_member.get("/nothing/", headers={"Referer": "https://testserver/t/the-team/exports/"}).content.decode()
    assert EXPORTS in came
    assert EXPORTS in as_member.get("/profile/", headers={"Referer": "/t/the-team/"}).content.decode()
    assert 'href="/t/other-team/exports/"' in as_member.get("/nothing/").content.decode()


def test_strangers_see_no_team(client: Client, cast: Cast) -> None:
    assert "The Team" not in client.get("/t/the-team/nothing/").content.decode()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(ValueError("x"), 500, "Something broke on our side"), (OperationalError("locked"), 503, "Not at the moment")],
)
def test_a_failure_keeps_it_without_a_query(
    cast: Cast,
    error: Exception,
    status: int,
    words: str,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    request = failing(cast, error)
    with django_assert_num_queries(0):
        try:
            raise error
        except type(error):
            answer = error_pages.server_failed(request)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert EXPORTS in page


def test_a_failure_before_the_member_is_known_stands_alone(
    django_assert_num_queries: DjangoAssertNumQueries, cast: Cast
) -> None:
    with django_assert_num_queries(0):
        answer = error_pages.server_failed(RequestFactory().get("/t/the-team/"))
    assert answer.status_code == 500
    assert "the-team" not in answer.content.decode()


def test_a_fault_in_the_navigation_itself_leaves_the_page_that_stands_alone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def broken(*_args: Any) -> str:
        raise PermissionDenied

    monkeypatch.setattr(error_pages, "render_to_string", broken)
    answer = error_pages.server_failed(failing(cast, ValueError()))
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


def test_admins_without_a_team_are_led_to_the_admin_site(client: Client, cast: Cast) -> None:
    person = cast.viewer.user
    cast.viewer.delete()
    client.force_login(person)
    assert "/admin/" not in client.get("/").content.decode()
    person.is_staff = True
    person.save()
    assert 'class="btn primary" href="/admin/"' in client.get("/").content.decode()
