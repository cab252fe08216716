"""A credential is tested by its page right after it was saved, and can be renamed and deleted there."""

from collections.abc import Callable

from django.test import Client

from exports.models import Credential
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING, TABLES

TEAM = "/t/the-team/"


def read(client: Client, path: str) -> str:
    return str(client.get(f"{TEAM}credentials/{path}").content.decode())


def test_the_page_of_a_saved_credential_tests_it_once(
    as_owner: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    credential = cast.credential(CHANGING, origin_of(CHANGING))
    page = read(as_owner, f"{credential.pk}/?saved")
    assert "Saved. Testing\N{HORIZONTAL ELLIPSIS}" in page
    assert f'hx-post="{TEAM}credentials/{credential.pk}/test"' in page
    assert "Testing\N{HORIZONTAL ELLIPSIS}" not in read(as_owner, f"{credential.pk}/"), "an older one only on demand"
    tested = as_owner.post(f"{TEAM}credentials/{credential.pk}/test", {"saved": "yes"}).content.decode()
    assert "Add projects" in tested
    assert "hx-post" not in read(as_owner, f"{credential.pk}/?saved"), "it was tested"


def test_a_wrong_one_says_so_and_may_be_kept(as_owner: Client, cast: Cast, origin_of: Callable[[str], str]) -> None:
    credential = cast.credential(CHANGING, origin_of(CHANGING), secrets={"token": "wrong"})
    page = as_owner.post(f"{TEAM}credentials/{credential.pk}/test", {"saved": "yes"}).content.decode()
    assert "The test failed" in page
    assert "saved anyway" in page
    assert "Keep anyway" in page
    assert 'href="#h-replace"' in page
    assert Credential.objects.get().last_error


def test_it_is_renamed(as_owner: Client, as_member: Client, cast: Cast) -> None:
    credential, other = cast.credential(CHANGING, name="First"), cast.credential(TABLES, name="Second")
    place = f"{TEAM}credentials/{credential.pk}/rename"
    assert "Renamed to Third" in as_owner.post(place, {"name": " Third "}, follow=True).content.decode()
    taken = as_owner.post(place, {"name": other.name})
    assert taken.status_code == 422
    assert 'aria-invalid="true"' in taken.content.decode()
    assert "<h1>Third</h1>" in taken.content.decode()
    assert "/rename" not in read(as_member, f"{credential.pk}/")


def test_deleting_asks_and_is_refused_while_projects_use_it(as_owner: Client, cast: Cast) -> None:
    used, free = cast.project(TABLES).credential, cast.credential(CHANGING, name="Free")
    assert as_owner.get(f"{TEAM}credentials/{used.pk}/delete").status_code == 302
    refused = as_owner.post(f"{TEAM}credentials/{used.pk}/delete", follow=True).content.decode()
    assert f"In use by the project The {TABLES} one" in refused
    assert "Delete <bdi>Free</bdi>?" in read(as_owner, f"{free.pk}/delete")
    as_owner.post(f"{TEAM}credentials/{free.pk}/delete")
    assert [*Credential.objects.all()] == [used]
