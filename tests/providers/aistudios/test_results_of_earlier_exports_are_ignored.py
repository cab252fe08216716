"""A project exported before: its old 100 %, link and failure are not taken for those of the new export."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.contract import Status
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.aistudios.conftest import NEW, OLD, PROGRESS, PROJECT, READ, good, job, project


def prepared(stub: StubServer, client: Client, **fields: Any) -> dict[str, Any]:
    stub.on(READ, project(**fields))
    return dict(AIStudios().prepare(client, job()).baseline)


def poll_job(stub: StubServer, client: Client, baseline: Any, memo: Any, **data: Any) -> Status:
    stub.on(PROGRESS, good(data))
    return AIStudios().poll(client, job(remote_id=PROJECT, baseline=baseline, memo=memo))


@pytest.fixture
def yesterday(stub: StubServer, client: Client) -> dict[str, Any]:
    return prepared(
        stub, client, backendTaskId="t1", updatedAt="2024-03-20", download_url=OLD, progress=100, state="exported"
    )


def test_the_baseline_holds_a_hash_and_never_the_link(yesterday: dict[str, Any]) -> None:
    link = yesterday.pop("link")
    assert yesterday == {"task": "t1", "updated": "2024-03-20", "progress": 100.0, "state": "exported"}
    assert len(link) == 64
    assert "example.org" not in link


def test_a_project_never_exported_has_an_empty_baseline(stub: StubServer, client: Client) -> None:
    assert prepared(stub, client) == {"task": "", "updated": "", "progress": None, "state": "", "link": ""}


def test_the_old_100_with_the_old_link_is_still_running(
    stub: StubServer, client: Client, yesterday: dict[str, Any]
) -> None:
    status = poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=OLD)
    assert (status.state, status.progress, status.memo) == ("running", None, None)
    assert "before" in status.note


def test_the_old_link_signed_anew_is_still_the_old_link(stub: StubServer, client: Client) -> None:
    baseline = prepared(stub, client, download_url=f"{OLD}?v=1&X-Amz-Date=1&X-Amz-Signature=a", progress=100)
    again = f"{OLD}?v=1&X-Amz-Date=2&X-Amz-Signature=b"
    assert poll_job(stub, client, baseline, {}, progress=100, downloadUrl=again).state == "running"
    other = f"{OLD}?v=2&X-Amz-Date=1&X-Amz-Signature=a"
    assert poll_job(stub, client, baseline, {}, progress=100, downloadUrl=other).state == "done"


def test_another_link_is_the_new_export(stub: StubServer, client: Client, yesterday: dict[str, Any]) -> None:
    status = poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=NEW)
    assert (status.state, status.link) == ("done", NEW)


def test_the_same_link_counts_once_progress_was_seen_below_100(
    stub: StubServer, client: Client, yesterday: dict[str, Any]
) -> None:
    moved = poll_job(stub, client, yesterday, {}, progress=3).memo
    assert poll_job(stub, client, yesterday, moved, progress=100, downloadUrl=OLD).state == "done"


@pytest.mark.parametrize(
    ("task", "state"), [("t1", "running"), ("t2", "failed")], ids=["same task: old failure", "new task: new failure"]
)
def test_an_old_failure_is_not_the_new_one(stub: StubServer, client: Client, task: str, state: str) -> None:
    baseline = prepared(stub, client, backendTaskId="t1", state="failed", progress=57)
    stub.on(READ, project(backendTaskId=task, state="failed", progress=57))
    assert poll_job(stub, client, baseline, {}, progress=57, state="failed").state == state


def test_a_failure_after_progress_is_the_new_one(stub: StubServer, client: Client) -> None:
    baseline = prepared(stub, client, backendTaskId="t1", state="failed", progress=57)
    assert poll_job(stub, client, baseline, {"moved": True}, progress=80, state="failed").state == "failed"


def test_asked_again_a_new_link_of_the_progress_is_taken(
    stub: StubServer, client: Client, yesterday: dict[str, Any]
) -> None:
    memo = poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=NEW).memo
    fresh = f"{NEW}?fresh"
    assert poll_job(stub, client, yesterday, memo, progress=100, downloadUrl=fresh).link == fresh


@pytest.mark.parametrize("said", [NEW, None])
def test_asked_again_the_project_is_read_when_progress_has_no_other_link(
    stub: StubServer, client: Client, yesterday: dict[str, Any], said: str | None
) -> None:
    memo = poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=NEW).memo
    stub.on(READ, project(download_url=f"{NEW}?from-project"))
    assert poll_job(stub, client, yesterday, memo, progress=100, downloadUrl=said).link == f"{NEW}?from-project"


def test_asked_again_the_same_link_is_better_than_none(
    stub: StubServer, client: Client, yesterday: dict[str, Any]
) -> None:
    memo = poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=NEW).memo
    stub.on(READ, project())
    assert poll_job(stub, client, yesterday, memo, progress=100, downloadUrl=NEW).link == NEW


def test_the_scratch_holds_no_link(stub: StubServer, client: Client, yesterday: dict[str, Any]) -> None:
    assert "example.org" not in repr(poll_job(stub, client, yesterday, {}, progress=100, downloadUrl=NEW).memo)


@pytest.mark.parametrize("body", [{"_id": PROJECT, "backendTaskId": "t9"}, {"id": PROJECT, "backendTaskId": "t9"}])
@pytest.mark.parametrize("nested", [True, False])
def test_the_project_is_read_wherever_it_lies(
    stub: StubServer, client: Client, body: dict[str, str], nested: bool
) -> None:
    stub.on(READ, good({"project": body} if nested else body))
    assert AIStudios().prepare(client, job()).baseline["task"] == "t9"


@pytest.mark.parametrize("data", [None, {}, {"project": None}, {"project": {}}, []])
def test_a_project_that_is_not_there_is_not_found(stub: StubServer, client: Client, data: Any) -> None:
    stub.on(READ, good(data))
    with pytest.raises(NotFoundError, match=PROJECT):
        AIStudios().prepare(client, job())


def test_another_project_is_never_a_baseline(stub: StubServer, client: Client) -> None:
    stub.on(READ, Reply(body={"success": True, "data": {"project": {"_id": "65fa6b07dca2e36746ffffff"}}}))
    with pytest.raises(UnreadableError) as caught:
        AIStudios().prepare(client, job())
    assert caught.value.final
