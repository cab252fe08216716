"""A client of YouTrack below a context path, and replies as its documents show them."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.youtrack import YouTrack
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer

TOKEN = {"token": "perm:cm9vdA==.dG9r.rNZ38ije7uiWwnUTRDdyFDdUkoPUPi"}
API = "/youtrack/api/admin/databaseBackup"
SETTINGS = f"GET {API}/settings"
STATUS = f"GET {API}/settings/backupStatus"
BACKUPS = f"GET {API}/backups"
START = f"POST {API}/settings"
BEFORE = {"files": ["2026-11-29-04-00-00.tar.gz"], "last": 1_795_939_206_000, "error": 0}


def status(running: bool = False, cancelled: bool = False, error: Any = None) -> dict[str, Any]:
    """A BackupStatus with the fields that were asked for."""
    names = {"backupInProgress": running, "backupCancelled": cancelled, "backupError": error}
    return {**names, "$type": "BackupStatus"}


def backup_error(date: int = 1_796_000_000_000, message: str = "No space left on device") -> dict[str, Any]:
    """A BackupError."""
    return {"date": date, "errorMessage": message, "$type": "BackupError"}


def file(day: int = 30, **fields: Any) -> dict[str, Any]:
    """A BackupFile of four o'clock on a day of November; its link is signed, with the line ends that real ones have."""
    name = f"2026-11-{day:02}-04-00-00.tar.gz"
    return {
        "id": name,
        "name": name,
        "size": 9_291_043,
        "creationDate": 1_795_939_206_000 + (day - 29) * 86_400_000,
        "link": f"backupFile/{name}?sign=MTc5NjAyNTYwNjAwMHxh\r\nZG1pbnxBQ0NFU1M\r\n",
        "error": None,
        "$type": "BackupFile",
        **fields,
    }


def settings(**fields: Any) -> dict[str, Any]:
    """DatabaseBackupSettings with the fields that were asked for."""
    known = {"archiveFormat": "TAR_GZ", "availableDiskSpace": 500_000_000_000, "backupStatus": status()}
    return {**known, "$type": "DatabaseBackupSettings", **fields}


def refusal(error: str, description: str) -> dict[str, Any]:
    """An error body."""
    return {"error": error, "error_description": description}


def job(**fields: Any) -> Job:
    """A backup that was asked for when the file of the 29th was the newest."""
    known = {"project": "database", "type": "backup", "format": "tar.gz", "baseline": BEFORE}
    return Job(**{**known, "remote_id": f"after-{BEFORE['last']}", **fields})


@pytest.fixture
def youtrack() -> YouTrack:
    return YouTrack()


@pytest.fixture
def client(connect: Callable[..., Client], youtrack: YouTrack, stub: StubServer) -> Client:
    """The list has the file of the 29th, unless a test says otherwise."""
    stub.on(BACKUPS, Reply(body=[file(29)]))
    return connect(youtrack, TOKEN, path="/youtrack")
