"""YouTrack's settings of backups, the files in its list, and what both say of a job."""

from collections.abc import Mapping
from typing import Any, Final

from exports.providers import parsing
from exports.providers.contract import Job, JobState, Status
from exports.transport.client import Client
from exports.transport.errors import UnreadableError

# YouTrack has no word for a backup's state, but these facts of it.
STATES: Final[Mapping[str, JobState]] = {
    **{"in progress": "running", "ready": "done", "error": "failed", "cancelled": "canceled"}
}
SETTINGS: Final = "/api/admin/databaseBackup/settings"
BACKUPS: Final = "/api/admin/databaseBackup/backups"
# What an answer holds is what `fields` names.
STATUS_FIELDS: Final = "backupInProgress,backupCancelled,backupError(date,errorMessage)"
SETTINGS_FIELDS: Final = f"archiveFormat,availableDiskSpace,backupStatus({STATUS_FIELDS})"
FILE_FIELDS: Final = "id,name,size,creationDate,link,error"
# Without $top a list ends after 42 entries.
MAX_LISTED: Final = 500
# The id of a job is that and the time of the newest backup before it, in ms. An adopted one has the name of its file.
AFTER: Final = "after-"


def settings(client: Client) -> Mapping[str, Any]:
    """GET /databaseBackup/settings."""
    return parsing.mapping(client.get(SETTINGS, {"fields": SETTINGS_FIELDS}).body)


def listed(client: Client) -> list[Mapping[str, Any]]:
    """GET /databaseBackup/backups, the oldest first."""
    body = client.get(BACKUPS, {"fields": FILE_FIELDS, "$top": MAX_LISTED}).body
    return sorted((row for row in parsing.object_list(body, "") if parsing.text(row.get("id"))), key=made_at)


def get(client: Client, name: str) -> Mapping[str, Any]:
    """GET /databaseBackup/backups/:name."""
    return parsing.mapping(client.get(f"{BACKUPS}/{name}", {"fields": FILE_FIELDS}).body)


def baseline(client: Client, current: Mapping[str, Any]) -> dict[str, Any]:
    """The files that are there, when the newest was made, and when the last backup failed; `current`: the settings."""
    files, error = listed(client), last_error(parsing.mapping(current.get("backupStatus")))
    last = made_at(files[-1]) if files else 0
    return {"files": [parsing.text(row["id"]) for row in files], "last": last, "error": error[0]}


def job_id(job: Job) -> str:
    """The id of a job that came after its baseline."""
    return f"{AFTER}{job.baseline.get('last', 0)}"


def has_space(client: Client, current: Mapping[str, Any]) -> bool:
    """Whether there is room for a backup as large as the newest, as far as that is said."""
    free, files = parsing.integer(current.get("availableDiskSpace")), listed(client)
    return free is None or not files or free >= (parsing.integer(files[-1].get("size")) or 0)


def made_at(row: Mapping[str, Any]) -> int:
    """When the file was made, in ms since 1970 by YouTrack's clock; 0 where that is not said."""
    return parsing.integer(row.get("creationDate")) or 0


def own_backup(client: Client, job: Job) -> Mapping[str, Any] | None:
    """The file of the job: the one that it had before, or the oldest that came after its baseline."""
    last = parsing.integer(job.remote_id.removeprefix(AFTER)) or job.baseline.get("last", 0)
    before, own = job.baseline.get("files", ()), job.memo.get("file")
    for row in listed(client):
        name = parsing.text(row["id"])
        if name == own or (own is None and name not in before and made_at(row) > last):
            return row
    return None


def last_error(status: Mapping[str, Any]) -> tuple[int, str]:
    """Date and sentence of the error of the last backup; 0 where it had none. It stays until the next backup begins."""
    error = parsing.mapping(status.get("backupError"))
    return parsing.integer(error.get("date")) or len(error), parsing.text(error.get("errorMessage"), 300)


def status_of(client: Client, job: Job, body: object) -> Status:
    """The job's status, by a BackupStatus. `memo`: its file, once it is known; before, that its backup was seen to run.

    "unknown" where nothing shows that the job exists.
    """
    status = parsing.mapping(body)
    if not isinstance(status.get("backupInProgress"), bool):
        raise UnreadableError("YouTrack answered without saying whether a backup runs.")
    if status["backupInProgress"] and not job.memo.get("file"):
        return Status("running", "in progress", memo={"seen": True})
    if row := own_backup(client, job):
        return status_of_file(row)
    date, reason = last_error(status)
    if date and (job.memo or date != job.baseline.get("error", date)):
        return Status("failed", "error", message=f"YouTrack's backup failed: {reason}")
    if job.memo and status.get("backupCancelled") is True:
        return Status("canceled", "cancelled")
    return Status("done", "ready", note="no file of it in the list") if job.memo else Status("unknown", "not running")


def status_of_file(row: Mapping[str, Any]) -> Status:
    """A file is done. Its link is relative to the installation, and signed; line ends got into real signatures."""
    name, error = parsing.text(row.get("id")), parsing.text(row.get("error"), 300)
    if error:
        return Status("failed", "error", message=f"YouTrack's backup failed: {error}")
    link = parsing.first_text(row, "link").replace("\r", "").replace("\n", "")
    return Status("done", "ready", link=link, note=f"backup {name}", memo={"file": name})
