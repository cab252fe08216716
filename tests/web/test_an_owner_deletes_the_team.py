"""Settings lead to a page that says what goes and what stays; every page of the team then offers to keep it."""

from django.test import Client

from exports.models import Team
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

PAGE = "/t/the-team/settings/delete/"


def team() -> Team:
    return Team.objects.get(slug="the-team")


def test_the_page_says_what_goes_and_what_stays(as_owner: Client, cast: Cast) -> None:
    cast.project(TABLES)
    Team.objects.filter(pk=cast.team.pk).update(kept_files=1, kept_bytes=2_000_000)
    assert f'href="{PAGE}"' in as_owner.get("/t/the-team/settings/").content.decode()
    page = as_owner.get(PAGE).content.decode()
    for text in ("deleted in a week", "1 file (2.0", "1, with its secrets", "3, with their API tokens", "What stays"):
        assert text in page, text


def test_a_wrong_name_is_said_at_the_field(as_owner: Client, cast: Cast) -> None:
    answer = as_owner.post(PAGE, {"name": "Another"})
    assert answer.status_code == 422
    assert "Type the team&#x27;s name exactly: The Team" in answer.content.decode()
    assert team().deletes_at is None


def test_every_page_says_when_and_an_owner_keeps_it(as_owner: Client, as_viewer: Client, cast: Cast) -> None:
    page = as_owner.post(PAGE, {"name": "The Team"}, follow=True).content.decode()
    assert "The team is paused, and will be deleted in a week." in page
    assert 'action="/t/the-team/settings/keep"' in as_owner.get("/t/the-team/exports/").content.decode()
    seen = as_viewer.get("/t/the-team/exports/").content.decode()
    assert "will be deleted" in seen
    assert "An owner can keep it." in seen
    assert "Keep it first" in as_owner.post("/t/the-team/pause", {"paused": "no"}, follow=True).content.decode()
    page = as_owner.post("/t/the-team/settings/keep", follow=True).content.decode()
    assert "The Team is kept." in page
    assert "will be deleted" not in page
    assert (team().deletes_at, team().paused_at) == (None, None)


def test_only_owners_may(as_member: Client, cast: Cast) -> None:
    assert as_member.get(PAGE).status_code == 403
    assert as_member.post(PAGE, {"name": "The Team"}).status_code == 403
    assert as_member.post("/t/the-team/settings/keep").status_code == 403
