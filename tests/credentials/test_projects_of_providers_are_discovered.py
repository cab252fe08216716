"""What a provider lists is kept, what is gone from its list is marked, and an error is kept beside the last list."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exports.credentials import discovery, service
from exports.errors import ConflictError
from exports.models import Credential, Event, OpenCircuit, Project, RateLimitPause, RemoteProject
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.roles import CHANGING, VIDEOS
from tests.helpers.stub_server import Reply, StubServer

pytestmark = pytest.mark.postgresql

Lists = Callable[..., None]


def kept(**conditions: Any) -> list[str]:
    return list(RemoteProject.objects.filter(**conditions).order_by("pk").values_list("remote_id", flat=True))


def test_what_is_listed_is_kept_once_with_its_latest_name(credential: Credential, lists: Lists) -> None:
    lists("10", "11")
    assert discovery.discover(credential)
    RemoteProject.objects.update(name="old")
    assert discovery.discover(credential)
    rows = RemoteProject.objects.order_by("pk").values_list("remote_id", "name", "gone_at")
    assert list(rows) == [("10", "Project 10", None), ("11", "Project 11", None)]
    credential.refresh_from_db()
    assert credential.discovered_at is not None
    assert credential.discovery_error == ""


def test_what_is_gone_is_marked_until_it_is_listed_again(credential: Credential, lists: Lists) -> None:
    for ids, gone in ((("10", "11"), []), (("11",), ["10"]), (("10", "11"), [])):
        lists(*ids)
        discovery.discover(credential)
        assert kept(gone_at__isnull=False) == gone


def test_an_empty_list_marks_nothing_as_gone(credential: Credential, lists: Lists) -> None:
    lists("10")
    discovery.discover(credential)
    lists()
    assert discovery.discover(credential)
    assert kept(gone_at__isnull=False) == []


def test_a_list_that_ends_before_its_end_marks_nothing_as_gone_and_it_is_said(
    credential: Credential, lists: Lists, stub: StubServer
) -> None:
    lists("10", "11")
    discovery.discover(credential)
    items = [{"id": "10", "public_name": "Project 10", "status": "ACTIVE"}]
    stub.on("GET /api/v1/projects", Reply(body={"items": items, "has_more": True}))
    assert discovery.discover(credential)
    credential.refresh_from_db()
    assert credential.discovery_error == discovery.INCOMPLETE
    assert kept(gone_at__isnull=False) == []


def test_what_was_added_by_hand_and_is_in_no_list_is_gone_unless_it_was_exported(
    credential: Credential, lists: Lists, cast: Cast
) -> None:
    for id_, good_at in (("77", None), ("78", timezone.now())):
        project = service.create_project(credential, cast.owner.user, remote_id=id_)
        Project.objects.filter(pk=project.pk).update(last_good_at=good_at)
    lists("10")
    discovery.discover(credential)
    assert kept(gone_at__isnull=False) == ["77"]


def test_where_the_list_is_not_complete_nothing_else_is_gone(cast: Cast, stub: StubServer) -> None:
    credential = cast.credential(VIDEOS, stub.origin)
    service.create_project(credential, cast.owner.user, remote_id="65fa6b07dca2e367461a2925")
    stub.on("POST /api/odin/v3/auth/token", Reply(body={"data": {"token": "a-token"}}))
    listed = {"data": {"projects": [{"id": "65fa6b07dca2e367461a2926", "name": "Exported"}]}}
    stub.on("GET /api/odin/v3/editor/project", Reply(body=listed))
    assert discovery.discover(credential), Credential.objects.get().discovery_error
    assert kept() == ["65fa6b07dca2e367461a2926"]


def test_ten_thousand_are_written_in_batches(
    credential: Credential, stub: StubServer, django_assert_max_num_queries: Any
) -> None:
    items = [{"id": str(number), "public_name": "One"} for number in range(1, 10_001)]
    stub.on("GET /api/v1/projects", Reply(body={"items": items, "has_more": False}))
    with django_assert_max_num_queries(120):
        assert discovery.discover(credential)
    assert RemoteProject.objects.count() == 10_000


def test_an_error_is_kept_and_what_was_listed_before_stays(
    credential: Credential, lists: Lists, stub: StubServer
) -> None:
    lists("10")
    discovery.discover(credential)
    stub.on("GET /api/v1/projects", Reply(500))
    assert not discovery.discover(credential)
    credential.refresh_from_db()
    assert "500" in credential.discovery_error
    assert kept(gone_at=None) == ["10"]
    assert SECRETS[CHANGING]["token"] not in credential.discovery_error
    lists("10")
    discovery.discover(credential)
    credential.refresh_from_db()
    assert credential.discovery_error == ""


def test_a_401_says_that_the_credential_is_refused(credential: Credential, stub: StubServer) -> None:
    stub.on("GET /api/v1/projects", Reply(401, body={"code": "AUTHENTICATION_ERROR", "message": "no"}))
    assert not discovery.discover(credential)
    credential.refresh_from_db()
    assert credential.last_error == credential.discovery_error != ""
    assert Event.objects.get().type == "credential.refused"


def test_a_429_pauses_the_credential_and_while_it_is_paused_nothing_is_asked(
    credential: Credential, lists: Lists, stub: StubServer
) -> None:
    stub.on("GET /api/v1/projects", Reply(429, headers={"Retry-After": "30"}))
    assert not discovery.discover(credential)
    assert RateLimitPause.objects.get().until > timezone.now() + timedelta(seconds=20)
    lists("10")
    assert not discovery.discover(credential)
    assert len(stub.requests_to("GET /api/v1/projects")) == 1


def test_a_provider_that_does_not_answer_is_left_alone(credential: Credential, lists: Lists, stub: StubServer) -> None:
    lists("10")
    now = timezone.now()
    OpenCircuit.objects.create(origin=stub.origin, since=now, until=now + timedelta(minutes=1), reason="It is away.")
    assert not discovery.discover(credential)
    assert not stub.requests


def test_it_is_due_daily_sooner_after_an_error_and_at_once_when_asked_for(credential: Credential) -> None:
    rows, now = Credential.objects.all(), timezone.now()
    assert not discovery.due().exists(), "nobody has used it"
    rows.update(used_at=now, discovered_at=now - timedelta(hours=23))
    assert not discovery.due().exists()
    rows.update(discovered_at=now - timedelta(hours=25))
    assert discovery.due().get() == credential
    rows.update(discovered_at=now - timedelta(minutes=50), discovery_error="It is away.")
    assert not discovery.due().exists()
    rows.update(discovered_at=now - timedelta(minutes=70))
    assert discovery.due().exists()
    rows.update(discovered_at=now, discovery_error="")
    discovery.request_discovery(credential)
    assert discovery.due().exists()


def test_two_processes_ask_once(credential: Credential) -> None:
    discovery.request_discovery(credential)
    [first], [second] = discovery.due(), discovery.due()
    assert [discovery.claim(first), discovery.claim(second)] == [True, False]


@pytest.mark.parametrize("paused", ["credential", "team"])
def test_while_it_is_paused_nothing_is_asked(credential: Credential, paused: str) -> None:
    Credential.objects.update(used_at=timezone.now())
    row = credential if paused == "credential" else credential.team
    type(row)._default_manager.filter(pk=row.pk).update(paused_at=timezone.now())
    assert not discovery.due().exists()
    with pytest.raises(ConflictError, match="is paused"):
        discovery.request_discovery(Credential.objects.select_related("team").get())
