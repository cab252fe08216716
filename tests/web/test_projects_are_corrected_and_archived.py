"""The page of a project corrects its id while it can, archives it and brings it back."""

import pytest
from django.test import Client

from exports.exporting import bulk
from exports.exporting.create import Requester
from exports.models import Export, Project
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

TEAM = "/t/the-team/"


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


def page(client: Client, path: str) -> str:
    return client.get(f"{TEAM}{path}").content.decode()


def test_a_wrong_id_is_corrected_before_the_first_export(as_member: Client, project: Project) -> None:
    path = f"{TEAM}projects/{project.pk}/"
    assert "Can be corrected until the first export." in page(as_member, f"projects/{project.pk}/")
    wrong = as_member.post(path, {"remote_id": "my-bakery"})
    assert (wrong.status_code, "names projects by a whole number" in wrong.content.decode()) == (422, True)
    assert as_member.post(path, {"remote_id": "4002"})["Location"] == path
    assert Project.objects.get().remote_id == "4002"


def test_after_an_export_the_page_offers_to_archive_it_instead(as_member: Client, cast: Cast, project: Project) -> None:
    factories.failed_export(cast)
    assert "Can be corrected until the first export." not in page(as_member, f"projects/{project.pk}/")
    refused = as_member.post(f"{TEAM}projects/{project.pk}/", {"remote_id": "4002"}, follow=True).content.decode()
    assert "so its id stays. Archive it, and add the right project." in refused


def test_archiving_takes_it_out_of_lists_and_forms_and_keeps_its_history(
    as_member: Client, cast: Cast, project: Project
) -> None:
    good = factories.succeeded_export(cast)
    path = f"{TEAM}projects/{project.pk}/"
    told = as_member.post(path, {"archive": "yes"}, follow=True).content.decode()
    assert "Its history stays." in told
    assert f'href="{path}"' not in page(as_member, "projects/").partition('<details class="fold in-card">')[0]
    assert f"The {TABLES} one" not in page(as_member, "new/")
    assert as_member.get(f"{TEAM}new/{project.pk}/orders/").status_code == 404
    assert f"The {TABLES} one (archived)" in page(as_member, f"exports/?project_id={project.pk}")
    assert f'href="/t/the-team/exports/{good.pk}/"' in page(as_member, f"exports/?project_id={project.pk}")
    assert "Run again, " not in page(as_member, "exports/")
    assert (
        "is archived and takes no new exports"
        in as_member.post(f"{TEAM}exports/{good.pk}/retry", follow=True).content.decode()
    )
    result = bulk.retry(Export.objects.all(), Requester(cast.member.user))
    assert [reason for _, reason in result.skipped] == ["project is archived"]


def test_an_open_export_is_named_and_stops_it(as_member: Client, cast: Cast, project: Project) -> None:
    export = factories.waiting_export(cast)
    shown = page(as_member, f"projects/{project.pk}/")
    assert "is still running. Wait for it or cancel it, then archive." in shown
    assert 'name="archive"' not in shown
    told = as_member.post(f"{TEAM}projects/{project.pk}/", {"archive": "yes"}, follow=True).content.decode()
    assert f"Export {export.pk} is open." in told
    assert Project.objects.get().archived_at is None


def test_it_comes_back_by_its_page_by_its_id_and_by_the_list(as_member: Client, cast: Cast, project: Project) -> None:
    path, add = f"{TEAM}projects/{project.pk}/", f"{TEAM}projects/add/{project.credential_id}/"
    for target, sent in ((path, {"bring-back": "yes"}), (add, {"remote_id": "4001"}), (add, {"picked": "4001"})):
        as_member.post(path, {"archive": "yes"})
        assert Project.objects.get().is_archived
        as_member.post(target, sent)
        assert not Project.objects.get().is_archived
    assert Project.objects.get().pk == project.pk


def test_a_viewer_changes_nothing(as_viewer: Client, project: Project) -> None:
    shown = page(as_viewer, f"projects/{project.pk}/")
    assert 'name="archive"' not in shown
    for sent in ({"archive": "yes"}, {"remote_id": "4002"}, {"bring-back": "yes"}):
        assert as_viewer.post(f"{TEAM}projects/{project.pk}/", sent).status_code == 403
