"""The coverage page shows what nobody protects first, and protects one, several, or all and also later ones."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exports.models import AutoProtection, Credential, Project, RemoteProject, Schedule
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES

COVERAGE = "/t/the-team/coverage/"
TIMES = {"frequency": "daily", "time": "03:15", "spread_minutes": "30", f"kind-{TABLES}": "orders|csv"}


@pytest.fixture
def credential(cast: Cast) -> Credential:
    credential = cast.credential(TABLES)
    RemoteProject.objects.bulk_create(
        RemoteProject(credential=credential, remote_id=id_, name=f"Found {id_}") for id_ in ("4801", "4802", "4803")
    )
    return credential


def page(client: Client, path: str = "") -> str:
    return client.get(f"{COVERAGE}{path}").content.decode()


def test_what_is_not_protected_comes_first_with_its_number(
    as_viewer: Client, cast: Cast, credential: Credential
) -> None:
    Project.objects.filter(pk=cast.project(TABLES, remote_id="4803").pk).update(last_good_at=timezone.now())
    shown = page(as_viewer)
    assert shown.index("Found 4801") < shown.index(f"The {TABLES} one")
    assert "1 of 3 projects protected" in shown
    assert "2 found, not protected" in shown
    assert "coverage/protect" not in shown, "a viewer only looks"
    assert "Found 4801" not in page(as_viewer, "?state=fresh")
    home = as_viewer.get("/t/the-team/").content.decode()
    assert "first export" in home, "a team without exports has its first step there"


def test_a_picked_project_is_protected(as_member: Client, cast: Cast, credential: Credential) -> None:
    pick = f"{credential.pk}:4801"
    form = page(as_member, f"protect/?pick={pick}")
    assert "Protect 1 project" in form
    assert "Found 4801" in form
    answer = as_member.post(f"{COVERAGE}protect/", {"pick": pick, **TIMES}, follow=True)
    assert "1 project is protected now." in answer.content.decode()
    project, schedule = Project.objects.get(), Schedule.objects.get()
    assert (project.name, project.fresh_within_hours) == ("Found 4801", 26)
    assert (schedule.cron, schedule.format, schedule.owner) == ("15 3 * * *", "csv", cast.member.user)


def test_several_of_several_providers_are_protected_at_once(
    as_member: Client, cast: Cast, credential: Credential
) -> None:
    other = cast.credential(ARCHIVES)
    RemoteProject.objects.create(credential=other, remote_id="100001", name="A game")
    picks = [f"{credential.pk}:4801", f"{credential.pk}:4802", f"{other.pk}:100001"]
    data = {"pick": picks, **TIMES, f"kind-{ARCHIVES}": "archive|zip", "frequency": "weekly", "weekdays": ["1"]}
    answer = as_member.post(f"{COVERAGE}protect/", data, follow=True)
    assert "3 projects are protected now." in answer.content.decode()
    assert set(Schedule.objects.values_list("type", flat=True)) == {"orders", "archive"}
    assert set(Project.objects.values_list("fresh_within_hours", flat=True)) == {7 * 24 + 2}


def test_what_cannot_be_protected_is_not_picked(as_member: Client, cast: Cast, credential: Credential) -> None:
    changing = cast.credential(CHANGING)
    for pick in ("", "x", "9999:1", f"{changing.pk}:10", ":", f"{10**30}:1"):
        answer = as_member.get(f"{COVERAGE}protect/", {"pick": pick}, follow=True)
        assert "Choose at least one project that can be protected." in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"frequency": "custom", "cron": "every day"}, "A cron expression has five fields"),
        ({"fresh_within_hours": "9000"}, "less than or equal to 8760"),
        ({f"kind-{TABLES}": "archive|zip"}, "Select a valid choice"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_adds_nothing(
    as_member: Client, credential: Credential, changes: dict[str, Any], text: str
) -> None:
    answer = as_member.post(f"{COVERAGE}protect/", {"pick": f"{credential.pk}:4801", **TIMES, **changes})
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not Project.objects.exists()


def test_all_and_later_ones_are_protected_until_somebody_stops_it(as_member: Client, credential: Credential) -> None:
    assert "also those" not in page(as_member)
    answer = as_member.post(f"{COVERAGE}{credential.pk}/protect/", TIMES, follow=True)
    assert "will be protected, also those that are found later." in answer.content.decode()
    assert "All protected, also new ones. Daily at 03:15, for Member" in " ".join(page(as_member).split())
    as_member.post(f"{COVERAGE}{credential.pk}/stop")
    assert not AutoProtection.objects.exists()


def test_looking_again_asks_for_the_lists_and_says_so(as_member: Client, credential: Credential) -> None:
    assert "Listing the projects" not in page(as_member)
    answer = as_member.post(f"{COVERAGE}discover", follow=True)
    assert "Listing the projects at the providers." in answer.content.decode()
    Credential.objects.update(discovered_at=timezone.now(), discovery_error=f"{TABLES.label} answered 500.")
    assert f"{TABLES.label} answered 500." in page(as_member)


def test_the_number_of_queries_does_not_grow_with_the_projects(
    as_member: Client, credential: Credential, django_assert_max_num_queries: Any
) -> None:
    RemoteProject.objects.bulk_create(
        RemoteProject(credential=credential, remote_id=str(number), name=f"Found {number}")
        for number in range(5000, 5200)
    )
    with django_assert_max_num_queries(12):
        shown = page(as_member)
    assert "Next page" in shown
    assert shown.count('name="pick"') == 50


def test_a_wrong_address_leads_to_the_first_page(as_member: Client, credential: Credential) -> None:
    assert as_member.get(f"{COVERAGE}?after=nonsense").status_code == 302
    assert as_member.get(f"{COVERAGE}?state=nonsense").status_code == 200
