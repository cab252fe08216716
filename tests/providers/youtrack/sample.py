"""YouTrack's answers, for the tests that every provider passes with hostile ones."""

from typing import Final

from tests.helpers.sample import Answers

NAME: Final = "2026-11-30-04-00-00.tar.gz"
FILE: Final = {
    "id": NAME,
    "name": NAME,
    "size": 9_291_043,
    "creationDate": 1_796_025_606_000,
    "link": f"backupFile/{NAME}?sign=MTc5NjAyNTYwNjAwMHxh",
    "error": None,
}
STATUS: Final = {"backupInProgress": False, "backupCancelled": False, "backupError": None}
SETTINGS: Final = {"archiveFormat": "TAR_GZ", "availableDiskSpace": 500_000_000_000, "backupStatus": STATUS}

SAMPLE: Final = Answers(
    secrets={"token": "a-token-of-a-credential"},
    project="database",
    # Without ids of jobs the baseline is what polls ask for, so what spoils polls comes before the request.
    fault_jobs={11: 0, 28: 0},
    answers=(
        (r"POST", {**SETTINGS, "backupStatus": {**STATUS, "backupInProgress": True}}),
        (r"GET \S+/backupStatus", STATUS),
        (r"GET \S+/settings", SETTINGS),
        (r"GET \S+/backups/", FILE),
        (r"GET \S+/backups", [FILE]),
        (r"GET \S+/users/me", {"login": "somebody"}),
        (r"GET ", {"files": ["database.xml"]}),
    ),
    submit="POST /api/admin/databaseBackup/settings",
    job_id="after-1795939206000",
)
