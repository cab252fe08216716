"""Before the request: what is there, and whether a backup runs. The request sets `backupInProgress`."""

from typing import Any
from urllib.parse import unquote_plus

import pytest

from exports.providers.contract import NotYet, Ready
from exports.providers.youtrack import YouTrack
from exports.transport.client import Client
from exports.transport.errors import CredentialError, RefusedError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.youtrack.conftest import (
    BACKUPS,
    BEFORE,
    SETTINGS,
    START,
    TOKEN,
    backup_error,
    file,
    job,
    refusal,
    settings,
    status,
)


def prepare(stub: StubServer, client: Client, **fields: Any) -> Ready | NotYet:
    stub.on(SETTINGS, Reply(body=settings(**fields)))
    return YouTrack().prepare(client, job(baseline={}, remote_id=""))


def test_the_baseline_is_what_is_there(stub: StubServer, client: Client) -> None:
    assert prepare(stub, client) == Ready(BEFORE)
    path = unquote_plus(stub.requests_to(BACKUPS)[0].path)
    assert path.endswith("?fields=id,name,size,creationDate,link,error&$top=500")


def test_the_order_of_the_list_does_not_matter(stub: StubServer, client: Client) -> None:
    for rows in ([file(29), file(28)], [file(28), file(29)]):
        stub.on(BACKUPS, Reply(body=rows))
        ready = prepare(stub, client)
        assert isinstance(ready, Ready)
        assert ready.baseline["last"] == BEFORE["last"]


def test_an_installation_without_backups_has_a_baseline_too(stub: StubServer, client: Client) -> None:
    stub.on(BACKUPS, Reply(body=[]))
    assert prepare(stub, client) == Ready({"files": [], "last": 0, "error": 0})


def test_a_backup_that_runs_is_waited_for(stub: StubServer, client: Client) -> None:
    ready = prepare(stub, client, backupStatus=status(running=True))
    assert isinstance(ready, NotYet)
    assert ready.seconds == 60


def test_an_error_of_an_earlier_backup_is_remembered(stub: StubServer, client: Client) -> None:
    ready = prepare(stub, client, backupStatus=status(error=backup_error(1_795_000_000_000)))
    assert isinstance(ready, Ready)
    assert ready.baseline["error"] == 1_795_000_000_000


def test_another_format_is_refused_before_anything_is_made(stub: StubServer, client: Client) -> None:
    with pytest.raises(RefusedError, match="backups as ZIP") as caught:
        prepare(stub, client, archiveFormat="ZIP")
    assert caught.value.code == "precondition"
    assert not stub.requests_to(START)


def test_the_request_sets_one_field(stub: StubServer, client: Client) -> None:
    stub.on(START, Reply(body=settings(backupStatus=status(running=True))))
    accepted = YouTrack().submit(client, job(remote_id=""))
    sent = stub.requests_to(START)[0]
    assert sent.json == {"backupStatus": {"backupInProgress": True}}
    assert sent.headers["Authorization"] == f"Bearer {TOKEN['token']}"
    assert (accepted.remote_id, accepted.status.state) == (f"after-{BEFORE['last']}", "running")
    assert accepted.status.memo == {"seen": True}


def test_a_backup_that_is_over_at_once_is_done(stub: StubServer, client: Client) -> None:
    stub.on(START, Reply(body=settings()))
    stub.on(BACKUPS, Reply(body=[file(30), file(29)]))
    assert YouTrack().submit(client, job(remote_id="")).status.state == "done"


def test_a_backup_that_does_not_run_yet_is_waited_for(stub: StubServer, client: Client) -> None:
    stub.on(START, Reply(body=settings()))
    assert YouTrack().submit(client, job(remote_id="")).status.state == "unknown"


@pytest.mark.parametrize("body", [{}, [], None, "OK", {"backupStatus": None}, {"backupStatus": {}}])
def test_an_answer_without_a_status_is_unreadable(stub: StubServer, client: Client, body: Any) -> None:
    stub.on(START, Reply(body=body))
    with pytest.raises(UnreadableError):
        YouTrack().submit(client, job(remote_id=""))


def test_an_account_without_the_right_to_write_is_refused_in_youtracks_words(stub: StubServer, client: Client) -> None:
    stub.on(START, Reply(403, refusal("Forbidden", "Insufficient rights")))
    with pytest.raises(CredentialError, match="Insufficient rights") as caught:
        YouTrack().submit(client, job(remote_id=""))
    assert (caught.value.known, caught.value.final, caught.value.answers_creation) == (True, True, True)
