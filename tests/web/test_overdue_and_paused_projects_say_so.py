"""An overdue project says so on home, in the list and on its page; what is paused offers the button to resume."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports.exporting import pauses
from exports.models import Credential, Project, Team
from tests.helpers import factories
from tests.helpers.cast import Cast

TEAM = "/t/the-team/"


def page(client: Client, path: str = "") -> str:
    return " ".join(client.get(f"{TEAM}{path}").content.decode().split())


@pytest.fixture
def project(cast: Cast) -> Project:
    """An overdue project."""
    project = factories.succeeded_export(cast).project
    at = timezone.now() - timedelta(days=3)
    Project.objects.filter(pk=project.pk).update(fresh_within_hours=24, last_good_at=at)
    return project


def test_overdue_shows_on_home_in_the_list_and_on_its_page(as_viewer: Client, project: Project) -> None:
    home = page(as_viewer)
    assert "<b>0</b> of 1 project" in home
    assert "Late by 2 d" in home
    assert "Late by 2 d" in page(as_viewer, "projects/")
    assert "Late by 2 d.</b>" in page(as_viewer, f"projects/{project.pk}/")


def test_a_fresh_project_says_nothing_of_it(as_viewer: Client, project: Project) -> None:
    Project.objects.update(last_good_at=timezone.now())
    assert "Late <b>0</b>" in page(as_viewer)
    for path in ("projects/", f"projects/{project.pk}/"):
        assert "verdue" not in page(as_viewer, path)


def test_the_target_is_set_on_the_projects_page(as_member: Client, project: Project) -> None:
    path = f"{TEAM}projects/{project.pk}/"
    answer = as_member.post(path, {"fresh_within_hours": " 96 "}, follow=True).content.decode()
    assert "The last good export may be 96 hours old." in answer
    assert "Late by" not in answer
    for wrong in ("0", "9999", "x", "1.5"):
        refused = as_member.post(path, {"fresh_within_hours": wrong})
        assert refused.status_code == 422
        assert f'value="{wrong}"' in refused.content.decode()
    as_member.post(path, {"fresh_within_hours": ""})
    assert Project.objects.get(pk=project.pk).fresh_within_hours is None


def test_a_viewer_cannot_set_it(as_viewer: Client, project: Project) -> None:
    assert as_viewer.post(f"{TEAM}projects/{project.pk}/", {"fresh_within_hours": "9"}).status_code == 403


def test_a_paused_project_says_so_where_one_would_export_it_and_is_resumed(
    as_member: Client, as_viewer: Client, project: Project
) -> None:
    as_member.post(f"{TEAM}projects/{project.pk}/pause", {"paused": "yes"})
    assert "is paused (" in page(as_member, f"new/{project.pk}/orders/")
    shown = page(as_member, f"projects/{project.pk}/")
    assert "no new exports or schedules. What runs continues." in shown
    assert 'value="no"' in shown
    assert 'value="no"' not in page(as_viewer, f"projects/{project.pk}/")
    assert "Paused" in page(as_viewer, "projects/")
    as_member.post(f"{TEAM}projects/{project.pk}/pause", {"paused": "no"})
    assert Project.objects.get(pk=project.pk).paused_at is None


def test_the_form_of_a_paused_project_leads_to_its_page(as_member: Client, cast: Cast, project: Project) -> None:
    pauses.pause(project, cast.owner.user)
    answer = as_member.post(f"{TEAM}new/{project.pk}/orders/", {"format": "csv"}, follow=True)
    assert "is paused: nothing new runs" in answer.content.decode()
    assert answer.redirect_chain == [(f"{TEAM}projects/{project.pk}/", 302)]


def test_a_paused_credential_and_team_are_resumed_by_owners(
    as_owner: Client, as_member: Client, project: Project
) -> None:
    credential, path = project.credential, f"credentials/{project.credential_id}/"
    as_owner.post(f"{TEAM}{path}pause", {"paused": "yes"})
    for shown in (page(as_owner, path), page(as_owner, f"projects/{project.pk}/")):
        assert f"The credential {credential.name} is paused (" in shown
        assert 'value="no"' in shown
    assert "An owner can resume it." in page(as_member, path)
    as_owner.post(f"{TEAM}{path}pause", {"paused": "no"})
    assert Credential.objects.get().paused_at is None
    as_owner.post(f"{TEAM}pause", {"paused": "yes"})
    assert "The Team is paused (" in page(as_member, "exports/")
    as_owner.post(f"{TEAM}pause", {"paused": "no"})
    assert Team.objects.get(slug="the-team").paused_at is None


@pytest.mark.parametrize("paused", ["", "maybe"])
def test_another_word_changes_nothing(as_owner: Client, paused: str) -> None:
    as_owner.post(f"{TEAM}pause", {"paused": paused})
    assert Team.objects.get(slug="the-team").paused_at is None
