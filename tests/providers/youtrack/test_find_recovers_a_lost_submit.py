"""After a lost answer a backup that runs, or a new file, is the job's; nothing of both proves nothing."""

from typing import Any

import pytest

from exports.providers.contract import Accepted, Unknown
from exports.providers.youtrack import YouTrack
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.youtrack.conftest import BACKUPS, BEFORE, STATUS, backup_error, file, job, status


def find(stub: StubServer, client: Client, said: Any, *files: dict[str, Any], **fields: Any) -> Accepted | Unknown:
    stub.on(STATUS, Reply(body=said))
    stub.on(BACKUPS, Reply(body=[*files, file(29)]))
    return YouTrack().find(client, job(remote_id="", **fields))


@pytest.mark.parametrize(
    ("said", "files", "state"),
    [
        (status(running=True), [], "running"),
        (status(), [file(30)], "done"),
        (status(error=backup_error()), [], "failed"),
    ],
)
def test_what_came_since_the_request_is_ours(
    stub: StubServer, client: Client, said: Any, files: list[Any], state: str
) -> None:
    baseline = {**BEFORE, "error": 1_795_000_000_000}
    found = find(stub, client, said, *files, baseline=baseline)
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.state) == (f"after-{BEFORE['last']}", state)


def test_nothing_new_may_still_turn_up(stub: StubServer, client: Client) -> None:
    found = find(stub, client, status())
    assert isinstance(found, Unknown)
    assert found.may_turn_up


def test_without_a_baseline_a_person_decides_at_once(stub: StubServer, client: Client) -> None:
    found = find(stub, client, status(running=True), baseline={})
    assert isinstance(found, Unknown)
    assert not found.may_turn_up
