"""The stand-in of YouTrack: backups are started one at a time, listed, downloaded and refused as documented."""

import io
import tarfile
import time
import zipfile
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import TIMEOUT_SECONDS

BASE = "/api/admin/databaseBackup"
START = {"backupStatus": {"backupInProgress": True}}
STATUS = "backupInProgress,backupCancelled,backupError(date,errorMessage)"


class YouTrackClient:
    """YouTrack's API with a permanent token."""

    def __init__(self, sandbox: Sandbox, token: str = "perm:sandbox-token") -> None:
        self.sandbox, self.origin = sandbox, sandbox.origin("youtrack")
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, self.origin + path, headers=self.headers, timeout=TIMEOUT_SECONDS, **more)

    def start(self, **fields: Any) -> Any:
        answer = self.call("POST", f"{BASE}/settings?fields=backupStatus({STATUS})", json={**START, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["backupStatus"]

    def status(self) -> Any:
        return self.call("GET", f"{BASE}/settings/backupStatus?fields={STATUS}").json()

    def files(self) -> list[Any]:
        rows: list[Any] = self.call("GET", f"{BASE}/backups?fields=id,name,size,creationDate,link,error").json()
        return rows

    def wait(self) -> Any:
        """Waits until no backup runs; the status."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while (status := self.status())["backupInProgress"]:
            assert time.monotonic() < end
        return status

    def made(self, **fields: Any) -> Any:
        """A new backup's file."""
        self.start(**fields)
        self.wait()
        return self.files()[0]


@pytest.fixture
def youtrack(sandbox: Sandbox) -> YouTrackClient:
    return YouTrackClient(sandbox)


def test_a_backup_runs_and_then_is_the_newest_file(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    before = youtrack.files()
    assert len(before) == 2
    assert youtrack.start()["backupInProgress"] is True
    assert youtrack.wait() == {
        "backupInProgress": False,
        "backupCancelled": False,
        "backupError": None,
        "$type": "BackupStatus",
    }
    after = youtrack.files()
    assert after[1:] == before
    assert after[0]["creationDate"] > before[0]["creationDate"]
    assert sandbox.jobs("youtrack", "database") == 1


def test_a_file_is_not_listed_while_it_is_written(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    sandbox.settings(time_scale=100)
    youtrack.start()
    assert len(youtrack.files()) == 2


def test_only_one_backup_runs_at_a_time(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    sandbox.settings(time_scale=100)
    assert [youtrack.start()["backupInProgress"] for _ in range(2)] == [True, True]
    assert sandbox.jobs("youtrack", "database") == 1


def test_only_the_fields_that_are_asked_for_come(youtrack: YouTrackClient) -> None:
    assert set(youtrack.call("GET", f"{BASE}/backups").json()[0]) == {"id", "$type"}
    asked = youtrack.call("GET", f"{BASE}/settings?fields=archiveFormat,backupStatus(backupInProgress)").json()
    assert asked == {
        "archiveFormat": "TAR_GZ",
        "backupStatus": {"backupInProgress": False, "$type": "BackupStatus"},
        "$type": "DatabaseBackupSettings",
    }


def test_lists_are_cut_by_top_and_skip(youtrack: YouTrackClient) -> None:
    names = [row["id"] for row in youtrack.files()]
    assert [row["id"] for row in youtrack.call("GET", f"{BASE}/backups?$top=1&$skip=1").json()] == names[1:2]


def test_the_oldest_backups_go_when_there_are_too_many(youtrack: YouTrackClient) -> None:
    names = [youtrack.made(filesToKeep=2)["id"] for _ in range(3)]
    assert [row["id"] for row in youtrack.files()] == names[:0:-1]


def test_one_backup_is_read_by_its_name(youtrack: YouTrackClient) -> None:
    name = youtrack.files()[0]["id"]
    assert youtrack.call("GET", f"{BASE}/backups/{name}?fields=name").json()["name"] == name
    answer = youtrack.call("GET", f"{BASE}/backups/2001-01-01-00-00-00.tar.gz")
    assert (answer.status_code, set(answer.json())) == (404, {"error", "error_description"})


def test_the_link_is_relative_and_signed_with_line_ends_in_it(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    file = youtrack.made()
    assert file["link"].startswith(f"backupFile/{file['id']}?sign=")
    assert file["link"].count("\r\n") == 2
    answer = YouTrackClient(sandbox, "").call("GET", "/" + file["link"].replace("\r\n", ""))
    assert (answer.status_code, len(answer.content)) == (200, file["size"])
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert "youtrack/00000000000.xd" in archive.getnames()


@pytest.mark.parametrize(
    ("token", "query", "status"),
    [
        ("perm:sandbox-token", "", 200),
        ("sandbox-read", "", 200),
        ("sandbox-nothing", "", 401),
        ("", "", 401),
        ("", "?sign=wrong", 403),
    ],
)
def test_a_file_wants_a_signature_or_an_account(
    youtrack: YouTrackClient, sandbox: Sandbox, token: str, query: str, status: int
) -> None:
    name = youtrack.made()["id"]
    assert YouTrackClient(sandbox, token).call("GET", f"/backupFile/{name}{query}").status_code == status
    assert sandbox.ledger()["credential_leaks"] == []


def test_the_format_is_a_setting_of_the_installation(youtrack: YouTrackClient) -> None:
    file = youtrack.made(archiveFormat="ZIP")
    assert file["id"].endswith(".zip")
    content = youtrack.call("GET", f"/backupFile/{file['id']}").content
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_an_error_stays_until_the_next_backup_begins(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    sandbox.fault(provider="youtrack", on="submit", fault="job_fails", times=1)
    youtrack.start()
    error = youtrack.wait()["backupError"]
    assert error["errorMessage"] == "No space left on device"
    assert len(youtrack.files()) == 2
    youtrack.start()
    assert youtrack.wait()["backupError"] is None


def test_a_backup_that_staff_cancels_says_so(youtrack: YouTrackClient, sandbox: Sandbox) -> None:
    sandbox.fault(provider="youtrack", on="submit", fault="canceled_by_staff")
    youtrack.start()
    assert youtrack.wait()["backupCancelled"] is True


@pytest.mark.parametrize(
    ("token", "method", "path", "status"),
    [
        ("nobody", "GET", "/api/users/me", 401),
        ("sandbox-nothing", "GET", "/api/users/me", 200),
        ("sandbox-nothing", "GET", f"{BASE}/settings", 403),
        ("sandbox-read", "GET", f"{BASE}/settings", 200),
        ("sandbox-read", "POST", f"{BASE}/settings", 403),
    ],
)
def test_permissions_are_to_read_and_to_write(
    sandbox: Sandbox, token: str, method: str, path: str, status: int
) -> None:
    answer = YouTrackClient(sandbox, token).call(method, path, **({"json": START} if method == "POST" else {}))
    assert answer.status_code == status
    assert (status == 200) is ("error" not in answer.json())


@pytest.mark.parametrize("body", [{"archiveFormat": "RAR"}, {"backupStatus": "now"}, [1]])
def test_a_malformed_request_is_refused(youtrack: YouTrackClient, body: Any) -> None:
    answer = youtrack.call("POST", f"{BASE}/settings", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
