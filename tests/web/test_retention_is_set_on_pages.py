"""Retention on pages: owners set rules, everybody previews them, members pin, owners erase a project's files."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports.exporting import retention_rules
from exports.models import Export, File, RetentionRule, Team
from exports.storage.retention import Rule
from exports.storage.retention_plan import rules_of
from tests.helpers import factories
from tests.helpers.cast import Cast

PAGE = "/t/the-team/settings/retention/"
EMPTY = dict.fromkeys(("keep_last", "keep_days", "keep_daily", "keep_weekly", "keep_monthly", "max_gb"), "")


@pytest.fixture
def two(cast: Cast) -> list[Export]:
    """Two exports of one project, the older one first."""
    exports = [factories.succeeded_export(cast, name=f"orders-{n}.csv", allow_duplicate=True) for n in (1, 2)]
    File.objects.filter(export=exports[0]).update(verified_at=timezone.now() - timedelta(days=40))
    return exports


def project_page(export: Export) -> str:
    return f"/t/the-team/projects/{export.project_id}/retention/"


def test_an_owner_sets_the_teams_rule(cast: Cast, as_owner: Client, two: list[Export]) -> None:
    answer = as_owner.post(PAGE, {**EMPTY, "keep_last": "3", "max_gb": "1.5", "notice_days": "7"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert rules_of(cast.team).rule == Rule(keep_last=3, max_bytes=1_500_000_000)
    assert Team.objects.get(pk=cast.team.pk).expiry_notice_days == 7
    assert 'value="1.5"' in as_owner.get(PAGE).content.decode()


@pytest.mark.parametrize(("field", "value"), [("keep_last", "0"), ("keep_days", "x"), ("max_gb", "-1")])
def test_an_impossible_number_is_named_and_nothing_is_saved(as_owner: Client, field: str, value: str) -> None:
    answer = as_owner.post(PAGE, {**EMPTY, "notice_days": "3", field: value})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not RetentionRule.objects.exists()


def test_members_and_viewers_change_no_rule(as_member: Client, as_viewer: Client, two: list[Export]) -> None:
    for client in (as_member, as_viewer):
        assert client.post(PAGE, {**EMPTY, "keep_last": "1", "notice_days": "3"}).status_code == 403
        assert client.post(project_page(two[0]), {**EMPTY, "keep_last": "1"}).status_code == 403
        assert ">Save<" not in client.get(PAGE).content.decode()
    assert not RetentionRule.objects.exists()


def test_a_preview_names_what_would_go_and_why_and_deletes_nothing(as_viewer: Client, two: list[Export]) -> None:
    answer = as_viewer.post(PAGE, {**EMPTY, "keep_days": "30", "notice_days": "3", "preview": "yes"}, follow=True)
    page = answer.content.decode()
    assert "keep_days=30" in answer.redirect_chain[0][0]
    assert "csrf" not in answer.redirect_chain[0][0]
    assert "orders-1.csv" in page
    assert "Older than 30 days" in page
    assert "orders-2.csv" not in page
    assert File.objects.filter(deleted_at=None).count() == 2


def test_without_a_preview_the_page_says_what_goes_by_the_rules_in_force(
    cast: Cast, as_member: Client, two: list[Export]
) -> None:
    assert "Every file stays." in as_member.get(PAGE).content.decode()
    retention_rules.set_team_rule(cast.team, cast.owner.user, Rule(keep_last=1))
    page = as_member.get(PAGE).content.decode()
    assert "Would be deleted now" in page
    assert "Not the last one" in page


def test_a_project_gets_its_own_rule_and_loses_it_again(cast: Cast, as_owner: Client, two: list[Export]) -> None:
    as_owner.post(project_page(two[0]), {**EMPTY, "keep_daily": "7"})
    assert rules_of(cast.team).of_projects == {two[0].project_id: Rule(keep_daily=7)}
    assert "own rule</h2>" in as_owner.get(project_page(two[0])).content.decode()
    as_owner.post(project_page(two[0]), {**EMPTY, "remove": "yes"})
    assert rules_of(cast.team).of_projects == {}


def test_a_member_pins_and_unpins_a_file(as_member: Client, as_viewer: Client, two: list[Export]) -> None:
    path = f"/t/the-team/exports/{two[0].pk}/"
    page = as_member.post(f"{path}pin", follow=True).content.decode()
    assert "No rule deletes this file." in page
    assert 'id="unpin"' in page
    assert 'id="unpin"' not in as_viewer.get(path).content.decode()
    assert as_viewer.post(f"{path}unpin").status_code == 403
    assert 'id="pin"' in as_member.post(f"{path}unpin", follow=True).content.decode()


def test_bulk_deletion_leaves_pinned_files(as_member: Client, two: list[Export]) -> None:
    as_member.post(f"/t/the-team/exports/{two[0].pk}/pin")
    ids = [str(export.pk) for export in two]
    answer = as_member.post("/t/the-team/exports/bulk/delete", {"id": ids, "sure": "yes"}, follow=True)
    assert "file is pinned" in answer.content.decode()
    assert list(File.objects.filter(deleted_at=None)) == [File.objects.get(export=two[0])]


def test_an_owner_erases_all_files_of_a_project(cast: Cast, as_owner: Client, two: list[Export]) -> None:
    File.objects.filter(export=two[1]).update(pinned_at=timezone.now())
    path = f"/t/the-team/projects/{two[0].project_id}/erase-files/"
    page = as_owner.get(path).content.decode()
    assert "All 2 files" in page
    assert "1 of them is pinned." in page
    assert "2 files were erased." in as_owner.post(path, follow=True).content.decode()
    assert not File.objects.filter(deleted_at=None).exists()
    cast.team.refresh_from_db()
    assert (cast.team.kept_files, cast.team.kept_bytes) == (0, 0)
    page = as_owner.get(f"/t/the-team/exports/{two[1].pk}/").content.decode()
    assert "Erased by an owner" in page
    assert two[1].file is not None
    assert two[1].file.sha256 in page


def test_members_erase_no_projects_files(as_member: Client, two: list[Export]) -> None:
    assert as_member.post(f"/t/the-team/projects/{two[0].project_id}/erase-files/").status_code == 403


def test_a_damaged_file_says_so_on_its_page_and_in_the_list(as_member: Client, two: list[Export]) -> None:
    File.objects.filter(export=two[0]).update(damaged_at=timezone.now())
    page = as_member.get(f"/t/the-team/exports/{two[0].pk}/").content.decode()
    assert "This file is damaged or gone" in page
    assert 'id="fetch-again"' in page
    assert "Damaged" in as_member.get("/t/the-team/exports/").content.decode()


@pytest.mark.parametrize(("percent", "shown"), [(0, False), (80, True), (95, True)])
def test_a_team_whose_room_is_almost_full_sees_it(cast: Cast, as_viewer: Client, percent: int, shown: bool) -> None:
    Team.objects.filter(pk=cast.team.pk).update(quota_bytes=1000, kept_bytes=900, quota_notified_percent=percent)
    for path in ("/t/the-team/", PAGE):
        assert ("Storage is almost full" in as_viewer.get(path).content.decode()) is shown
