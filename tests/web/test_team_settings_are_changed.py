"""The settings page: everybody reads it, owners save it, pause the team and resume it."""

import pytest
from django.test import Client

from exports.models import Team
from tests.helpers.cast import Cast

PAGE = "/t/the-team/settings/"
VALUES = {"name": "Bakers", "time_zone": "Asia/Kathmandu", "language": "fr", "odd_change_percent": ""}


def team() -> Team:
    return Team.objects.get(slug="the-team")


def test_an_owner_saves_the_settings(as_owner: Client, cast: Cast) -> None:
    answer = as_owner.post(PAGE, VALUES, follow=True)
    assert "Saved." in answer.content.decode()
    row = team()
    assert (row.name, row.time_zone, row.language, row.odd_change_percent) == ("Bakers", "Asia/Kathmandu", "fr", None)
    page = as_owner.get(PAGE).content.decode()
    assert 'value="Bakers"' in page
    assert '<option value="Asia/Kathmandu" selected>' in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "This field is required."),
        ("name", "n" * 101, "at most 100 characters"),
        ("time_zone", "Europe/Atlantis", "not one of the available choices"),
        ("odd_change_percent", "0", "Give 1 to 1000 percent, or none."),
    ],
)
def test_a_wrong_value_is_said_at_its_field(as_owner: Client, cast: Cast, field: str, value: str, said: str) -> None:
    answer = as_owner.post(PAGE, VALUES | {field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert team().name == "The Team"


def test_everybody_reads_what_owners_set_and_finds_it_in_the_navigation(as_viewer: Client, cast: Cast) -> None:
    Team.objects.filter(pk=cast.team.pk).update(quota_bytes=2_000_000, kept_bytes=500_000, kept_files=3)
    page = as_viewer.get(PAGE).content.decode()
    assert "Owners change the settings." in page
    assert "500\N{NO-BREAK SPACE}KB of 2.0\N{NO-BREAK SPACE}MB" in page
    assert "3 files are kept." in page
    assert "<form" not in page.partition("<main")[2].partition('class="page')[2]
    assert f'href="{PAGE}"' in as_viewer.get("/t/the-team/").content.decode()
    assert as_viewer.post(PAGE, VALUES).status_code == 403


def test_an_owner_pauses_the_team_here_and_resumes_it(as_owner: Client, cast: Cast) -> None:
    for paused, says in (("yes", "The Team is paused."), ("no", "The Team goes on.")):
        page = as_owner.get(PAGE).content.decode()
        assert f'name="paused" value="{paused}"' in page
        assert says in as_owner.post("/t/the-team/pause", {"paused": paused}, follow=True).content.decode()
        assert (team().paused_at is not None) == (paused == "yes")
