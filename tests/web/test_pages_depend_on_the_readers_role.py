"""Every page for every role: 200, 403 for the wrong role, 404 for another team."""

import pytest
from django.test import Client

from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

VIEW_PATHS = ("", "exports/", "exports/{x}/", "exports/{x}/file", "projects/", "credentials/", "credentials/{c}/")
EXPORT_PATHS = ("new/", "new/{p}/orders/", "projects/add/{c}/")
MANAGE_PATHS = ("credentials/add/", f"credentials/add/{TABLES}/")
EXPORT_POSTS = ("exports/{x}/cancel", "exports/{x}/retry", "exports/{x}/adopt", "new/{p}/orders/", "projects/add/{c}/")
MANAGE_POSTS = (f"credentials/add/{TABLES}/", "credentials/{c}/replace", "credentials/{c}/delete")


@pytest.fixture
def numbers(cast: Cast) -> dict[str, int]:
    export = factories.succeeded_export(cast)
    return {"x": export.pk, "p": export.project_id, "c": export.project.credential_id}


def _get(client: Client, path: str, numbers: dict[str, int]) -> int:
    return int(client.get(f"/t/the-team/{path.format(**numbers)}").status_code)


def _post(client: Client, path: str, numbers: dict[str, int]) -> int:
    return int(client.post(f"/t/the-team/{path.format(**numbers)}").status_code)


@pytest.mark.parametrize("path", [*VIEW_PATHS, *EXPORT_PATHS, *MANAGE_PATHS])
def test_owners_can_open_every_page(as_owner: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_owner, path, numbers) == 200


@pytest.mark.parametrize("path", [*VIEW_PATHS, *EXPORT_PATHS])
def test_members_can_open_the_pages_for_exporting(as_member: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_member, path, numbers) == 200


@pytest.mark.parametrize("path", MANAGE_PATHS)
def test_members_cannot_add_credentials(as_member: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_member, path, numbers) == 403


@pytest.mark.parametrize("path", MANAGE_POSTS)
def test_members_cannot_change_credentials(as_member: Client, numbers: dict[str, int], path: str) -> None:
    assert _post(as_member, path, numbers) == 403


@pytest.mark.parametrize("path", VIEW_PATHS)
def test_viewers_can_read_and_download(as_viewer: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_viewer, path, numbers) == 200


@pytest.mark.parametrize("path", [*EXPORT_PATHS, *MANAGE_PATHS])
def test_viewers_cannot_open_forms(as_viewer: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_viewer, path, numbers) == 403


@pytest.mark.parametrize("path", [*EXPORT_POSTS, *MANAGE_POSTS, "credentials/{c}/test"])
def test_viewers_cannot_change_anything(as_viewer: Client, numbers: dict[str, int], path: str) -> None:
    assert _post(as_viewer, path, numbers) == 403


@pytest.mark.parametrize("path", [*VIEW_PATHS, *EXPORT_PATHS, *MANAGE_PATHS])
def test_another_team_gets_404(as_outsider: Client, numbers: dict[str, int], path: str) -> None:
    assert _get(as_outsider, path, numbers) == 404


@pytest.mark.parametrize("path", [*EXPORT_POSTS, *MANAGE_POSTS, "credentials/{c}/test"])
def test_another_team_cannot_change_anything(as_outsider: Client, numbers: dict[str, int], path: str) -> None:
    assert _post(as_outsider, path, numbers) == 404


@pytest.mark.parametrize("path", [path for path in (*VIEW_PATHS, *EXPORT_PATHS) if "{" in path])
def test_ids_of_another_team_are_404_in_the_own_team(as_outsider: Client, numbers: dict[str, int], path: str) -> None:
    assert as_outsider.get(f"/t/other-team/{path.format(**numbers)}").status_code == 404


def test_a_viewer_sees_no_buttons(as_viewer: Client, numbers: dict[str, int]) -> None:
    page = as_viewer.get(f"/t/the-team/exports/{numbers['x']}/").content.decode()
    assert "retry" not in page
    assert "New export" not in page


def test_errors_say_what_to_do(as_viewer: Client, as_outsider: Client, numbers: dict[str, int]) -> None:
    denied = as_viewer.get("/t/the-team/new/").content.decode()
    assert "Ask an owner to make you a member." in denied
    missing = as_outsider.get("/t/the-team/").content.decode()
    assert "There is no such team." in missing
    assert "you may not be in their team" in missing
    nothing = as_viewer.get("/nothing/here/").content.decode()
    assert "Check the address" in nothing
    assert "Resolver404" not in nothing


def test_an_outdated_form_is_explained(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.member.user)
    answer = strict.post("/t/the-team/exports/1/cancel")
    assert answer.status_code == 403
    assert "Nothing was saved." in answer.content.decode()


def test_an_internal_error_has_a_page(as_member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("exports.web.views.home.home_context", broken)
    as_member.raise_request_exception = False
    answer = as_member.get("/t/the-team/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()
    assert "boom" not in answer.content.decode()
