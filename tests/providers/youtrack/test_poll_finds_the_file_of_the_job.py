"""While a backup runs the status says so; when none runs, the file above the baseline is the job's."""

from typing import Any
from urllib.parse import unquote_plus

import pytest

from exports.providers.contract import Status
from exports.providers.youtrack import YouTrack
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.youtrack.conftest import API, BACKUPS, BEFORE, STATUS, backup_error, file, job, refusal, status

SEEN = {"seen": True}
OWN = "2026-11-30-04-00-00.tar.gz"


def poll(stub: StubServer, client: Client, said: Any, *files: dict[str, Any], **fields: Any) -> Status:
    stub.on(STATUS, Reply(body=said))
    stub.on(BACKUPS, Reply(body=list(files) or [file(29)]))
    return YouTrack().poll(client, job(**fields))


def test_a_backup_that_runs_is_remembered(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(running=True), file(30), file(29))
    assert (seen.state, seen.link, seen.memo) == ("running", "", SEEN)
    assert not stub.requests_to(BACKUPS)


def test_the_new_file_is_the_jobs(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), file(30), file(29), memo=SEEN)
    assert (seen.state, seen.memo, seen.note) == ("done", {"file": OWN}, f"backup {OWN}")


def test_its_link_is_relative_and_without_the_line_ends(stub: StubServer, client: Client) -> None:
    link = poll(stub, client, status(), file(30), file(29)).link
    assert link == f"backupFile/{OWN}?sign=MTc5NjAyNTYwNjAwMHxhZG1pbnxBQ0NFU1M"


def test_of_several_new_files_the_oldest_is_the_jobs(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), file(32), file(30), file(31), file(29), memo=SEEN)
    assert seen.memo == {"file": OWN}


def test_a_file_without_a_time_that_was_there_before_is_not_the_jobs(stub: StubServer, client: Client) -> None:
    assert poll(stub, client, status(), file(29, creationDate=1_999_999_999_999)).state == "unknown"


def test_the_file_stays_the_jobs_while_other_backups_run(stub: StubServer, client: Client) -> None:
    files = file(31, link="backupFile/other"), file(30), file(29)
    seen = poll(stub, client, status(running=True), *files, memo={"file": OWN})
    assert seen.state == "done"
    assert OWN in seen.link


def test_a_file_that_was_deleted_since_is_not_replaced_by_another(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), file(31), file(29), memo={"file": OWN})
    assert (seen.state, seen.link) == ("done", "")


def test_in_the_cloud_the_one_file_takes_the_place_of_the_one_before(stub: StubServer, client: Client) -> None:
    assert poll(stub, client, status(), file(30), memo=SEEN).state == "done"


def test_an_error_is_the_backups_own_words(stub: StubServer, client: Client) -> None:
    for memo, baseline in ((SEEN, BEFORE), ({}, {**BEFORE, "error": 1_795_000_000_000})):
        seen = poll(stub, client, status(error=backup_error()), memo=memo, baseline=baseline)
        assert (seen.state, seen.message) == ("failed", "YouTrack's backup failed: No space left on device")


def test_an_error_of_an_earlier_backup_is_not_ours(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(error=backup_error()), baseline={**BEFORE, "error": backup_error()["date"]})
    assert seen.state == "unknown"


def test_a_file_that_says_an_error_is_none(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), file(30, error="Truncated"), file(29), memo=SEEN)
    assert (seen.state, seen.message) == ("failed", "YouTrack's backup failed: Truncated")


def test_only_a_backup_that_was_seen_to_run_counts_as_cancelled(stub: StubServer, client: Client) -> None:
    assert poll(stub, client, status(cancelled=True), memo=SEEN).state == "canceled"
    assert poll(stub, client, status(cancelled=True)).state == "unknown"


def test_a_backup_that_ended_without_a_file_is_done_without_a_link(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), memo=SEEN)
    assert (seen.state, seen.link) == ("done", "")


@pytest.mark.parametrize("body", [{}, [], None, {"backupInProgress": "no"}, {"backupInProgress": None}])
def test_an_answer_that_does_not_say_whether_it_runs_is_unreadable(stub: StubServer, client: Client, body: Any) -> None:
    with pytest.raises(UnreadableError):
        poll(stub, client, body)


def test_an_adopted_backup_is_named_by_its_file(stub: StubServer, client: Client) -> None:
    stub.on(f"{BACKUPS}/{OWN}", Reply(body=file(30)))
    seen = YouTrack().poll(client, job(remote_id=OWN, baseline={}))
    assert (seen.state, seen.memo) == ("done", {"file": OWN})
    assert unquote_plus(stub.requests[-1].path) == f"{API}/backups/{OWN}?fields=id,name,size,creationDate,link,error"


def test_an_adopted_backup_that_is_gone_is_not_found(stub: StubServer, client: Client) -> None:
    stub.on(f"{BACKUPS}/{OWN}", Reply(404, refusal("Not Found", f"Entity with id {OWN} not found")))
    with pytest.raises(NotFoundError, match=r"Entity with id 2026-11-30-04-00-00\.tar\.gz not found"):
        YouTrack().poll(client, job(remote_id=OWN, baseline={}))


def test_the_file_can_be_fetched_again_by_the_id_of_the_job_alone(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, status(), file(31), file(30), file(29), baseline={})
    assert seen.memo == {"file": OWN}
