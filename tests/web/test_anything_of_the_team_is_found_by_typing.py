"""The search that jumps: what is found, for whom, in how many queries; as a page and as the dialog's fragment."""

from typing import Any

import pytest
from django.test import Client

from exports.models import Credential
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES
from tests.helpers.schedules import make_schedule

JUMP = "/t/the-team/jump/"
TYPED = {"HX-Request": "true"}


def search(client: Client, q: str) -> str:
    return client.get(JUMP, {"q": q}, headers=TYPED).content.decode()


def test_projects_and_what_can_be_done_with_them_are_found(as_member: Client, as_viewer: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    found = search(as_member, f"the {TABLES.upper()}")
    assert f'href="/t/the-team/projects/{project.pk}/"' in found
    assert f'href="/t/the-team/new/{project.pk}/orders/"' in found
    assert f'href="/t/the-team/exports/?project_id={project.pk}"' in found
    assert "/new/" not in search(as_viewer, f"the {TABLES}"), "viewers run nothing"


def test_exports_are_found_by_their_number(as_viewer: Client, cast: Cast) -> None:
    export = factories.failed_export(cast)
    for q in (f"#{export.pk}", str(export.pk)):
        found = search(as_viewer, q)
        assert f'href="/t/the-team/exports/{export.pk}/"' in found
        assert f"Orders of The {TABLES} one" in found
    assert "Nothing found" in search(as_viewer, "#99999999999999999999")


def test_credentials_and_schedules_are_found(as_viewer: Client, cast: Cast) -> None:
    credential = cast.credential(TABLES, name="Main account")
    Credential.objects.filter(pk=credential.pk).update(last_error="401")
    schedule = make_schedule(cast.project(TABLES, credential=credential), cast.member)
    found = search(as_viewer, "main")
    assert f'href="/t/the-team/credentials/{credential.pk}/"' in found
    assert "Rejected" in found
    assert f'href="/t/the-team/schedules/{schedule.pk}/"' in search(as_viewer, f"orders {TABLES}")


def test_pages_are_found_that_the_role_may_open(as_owner: Client, as_viewer: Client) -> None:
    assert 'href="/t/the-team/activity/"' in search(as_owner, "activ")
    assert "activity" not in search(as_viewer, "activ")
    assert 'href="/t/the-team/settings/retention/"' in search(as_viewer, "retention")
    everything = search(as_viewer, "")
    assert everything.count('role="option"') > 8, "before anything is typed"


def test_other_teams_are_not_found(as_outsider: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    cast.credential(CHANGING, name=f"{TABLES} of the team")
    for q in (TABLES, str(export.pk)):
        found = as_outsider.get("/t/other-team/jump/", {"q": q}, headers=TYPED).content.decode()
        assert "Nothing found" in found


def test_what_is_typed_is_escaped_and_bounded(as_viewer: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    type(project).objects.filter(pk=project.pk).update(name="<b>bold</b> %_ x")
    assert "&lt;b&gt;bold" in search(as_viewer, "<b>bold %_")
    assert "Nothing found" in search(as_viewer, "\0nothing" + " word" * 500)


@pytest.mark.parametrize("q", ["the", "4001", f"{TABLES} orders"])
def test_a_search_takes_at_most_six_queries(
    as_owner: Client, cast: Cast, q: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(9):
        make_schedule(cast.project(TABLES, remote_id=str(4001 + number)), cast.member)
    with django_assert_max_num_queries(6):
        assert as_owner.get(JUMP, {"q": q}, headers=TYPED).status_code == 200


def test_without_scripts_it_is_a_page(as_viewer: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    page = as_viewer.get(JUMP, {"q": TABLES}).content.decode()
    assert "<h1>Search</h1>" in page
    assert f'href="/t/the-team/projects/{project.pk}/"' in page
    assert 'class="jump" href="/t/the-team/jump/"' in page
    assert "exports/?q=no%20such" in as_viewer.get(JUMP, {"q": "no such"}).content.decode()
