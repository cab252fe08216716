"""Projects are picked from a list, added by id or address, and renamed; their list shows the age of copies."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from exports.credentials import service
from exports.errors import InvalidError
from exports.models import AuditEntry, Project
from exports.providers.registry import PROVIDERS
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.samples import SAMPLES

TEAM = "/t/the-team/"


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        (slug, text)
        for slug, sample in SAMPLES.items()
        for page in (*sample.pages, "{}")
        for text in (page, f" {page} ")
    ],
)
def test_the_id_is_read_from_a_pasted_address(slug: str, text: str) -> None:
    project = SAMPLES[slug].project
    assert service.parse_remote_id(PROVIDERS[slug], text.format(project)) == project


@pytest.mark.parametrize("slug", list(PROVIDERS))
def test_every_provider_says_where_to_find_the_id(slug: str) -> None:
    assert PROVIDERS[slug].project_pattern or PROVIDERS[slug].project_help
    with pytest.raises(InvalidError, match="no project's id in this address"):
        service.parse_remote_id(PROVIDERS[slug], "https://example.org/?x=/project/1")


def test_a_project_can_be_added_by_its_address(as_member: Client, cast: Cast) -> None:
    credential = cast.credential(ARCHIVES)
    sent = {"remote_id": SAMPLES[ARCHIVES].pages[0].format("100001"), "name": "Game"}
    assert as_member.post(f"{TEAM}projects/add/{credential.pk}/", sent)["Location"] == f"{TEAM}new/"
    assert Project.objects.get().remote_id == "100001"


def test_adding_many_projects_is_summarized(as_member: Client, cast: Cast) -> None:
    credential = cast.project(ARCHIVES).credential
    sent = {
        "picked": ["100001", "100002", "100003", "100003"],
        "name of 100001": "First",
        "name of 100002": "Second",
        "name of 100003": "Third",
        "remote_id": "a/b",
    }
    page = as_member.post(f"{TEAM}projects/add/{credential.pk}/", sent, follow=True).content.decode()
    assert "Added 2 projects: Second, Third" in page
    assert "Skipped First: This credential has this project already." in page
    assert "Skipped a/b: There is no project&#x27;s id in this address." in page
    assert Project.objects.count() == 3
    assert AuditEntry.objects.filter(verb="added", user=cast.member.user).count() == 2


def test_the_selection_is_kept_when_nothing_could_be_added(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    credential = cast.credential(ARCHIVES, origin_of(ARCHIVES))
    answer = as_member.post(f"{TEAM}projects/add/{credential.pk}/", {"picked": "x" * 300, "remote_id": "a/b"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Nothing was added." in page
    assert 'value="100001"' in page


def test_a_project_can_be_renamed(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    path = f"{TEAM}projects/{project.pk}/"
    assert as_member.post(path, {"name": " Bakery "})["Location"] == path
    project.refresh_from_db()
    assert project.name == "Bakery"
    assert AuditEntry.objects.get(verb="renamed").detail == f"was The {TABLES} one"
    assert as_member.post(path, {"name": "x" * 201}).status_code == 422
    assert as_viewer.get(path).status_code == 200
    assert "Rename</button>" not in as_viewer.get(path).content.decode()
    assert as_viewer.post(path, {"name": "Mine"}).status_code == 403
    as_member.post(path, {"name": ""})
    project.refresh_from_db()
    assert str(project) == project.remote_id


def test_another_team_gets_404(as_outsider: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    assert as_outsider.get(f"{TEAM}projects/{project.pk}/").status_code == 404
    assert as_outsider.post(f"/t/other-team/projects/{project.pk}/", {"name": "x"}).status_code == 404


@pytest.mark.usefixtures("noon")
def test_the_list_says_how_fresh_a_copy_is(as_viewer: Client, cast: Cast) -> None:
    cast.project(ARCHIVES)
    good = factories.succeeded_export(cast)
    page = as_viewer.get(f"{TEAM}projects/").content.decode()
    assert "s ago" in page
    assert "never" in page
    one = as_viewer.get(f"{TEAM}projects/{good.project_id}/").content.decode()
    assert f'href="/t/the-team/exports/{good.pk}/"' in one


def test_the_number_of_queries_does_not_grow_with_exports(
    as_member: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        export = factories.succeeded_export(cast, name="one.csv", allow_duplicate=True)
    for path in ("projects/", f"projects/{export.project_id}/"):
        with django_assert_max_num_queries(9):
            as_member.get(f"{TEAM}{path}")
