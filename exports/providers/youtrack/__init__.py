"""YouTrack: a backup of the whole database of an installation, Cloud or Server.

Source: https://www.jetbrains.com/help/youtrack/devportal/, "Get a Database Backup" (api-usecase-backup), and the
entities DatabaseBackupSettings, BackupStatus, BackupFile. A backup that is being made has no id: one runs at a time,
and becomes the file that comes into the list. What is not documented is in docs/providers/youtrack.md, with its source.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from exports.providers import contract, parsing
from exports.providers.contract import Job, Status
from exports.providers.youtrack import backups
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.responses import error_of_status

FORMATS: Final = {"tar.gz": "TAR_GZ", "zip": "ZIP"}
COST: Final = "While it runs, most administration pages of YouTrack are read-only, and it cannot be canceled."
OTHER_FORMAT: Final = "YouTrack makes its backups as {} (Server settings, Database Backup). Choose that format."
NO_SPACE: Final = "YouTrack has less space left for backups than the last one took."
RUNNING: Final = "Another backup runs at YouTrack."
NOT_SEEN: Final = "YouTrack shows neither a backup that runs nor a new one."


class YouTrack(contract.Provider):
    slug = "youtrack"
    label = "YouTrack"
    icon, hue = "disk", "pink"
    docs = "https://www.jetbrains.com/help/youtrack/devportal/api-usecase-backup.html"
    origins: ClassVar[Mapping[str, str]] = {}
    address_help = "Your YouTrack's, like https://NAME.youtrack.cloud or https://HOST/youtrack."
    secrets = (contract.SecretField("token", "Permanent token", "Of an account with Low-level Admin Read and Write."),)
    kinds = (
        contract.Kind(
            "backup",
            "Database backup",
            tuple(FORMATS),
            contract.NoOptions,
            timedelta(hours=12),
            COST,
            contract.PollInterval(10.0, 1.5, 60.0),
            exclusive=True,
            authorised_download=True,
        ),
    )
    status_map: ClassVar = backups.STATES
    project_help = "An installation has one database: write database."
    lists_projects, project_id = True, contract.IdRule("database", "the word “database”")
    cancel_note = "YouTrack can't cancel a backup. Its file comes into the list there."

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def error_from_response(self, status: int, body: object) -> errors.ProviderError | None:
        """`{error, error_description}`, of which the second is the sentence."""
        reason = parsing.text(parsing.mapping(body).get("error_description"), 300)
        is_refusal = bool(reason) and 400 <= status < 500
        return error_of_status(status, f"YouTrack answered {status}: {reason}", {}) if is_refusal else None

    def is_own_error(self, body: object) -> bool:
        return "error" in parsing.mapping(body)

    def prepare(self, client: Client, job: Job) -> contract.Ready | contract.NotYet:
        """Waits for a backup that runs."""
        current = backups.settings(client)
        if wrong := _other_format(current, job):
            raise errors.RefusedError(wrong, code="precondition")
        is_running = parsing.mapping(current.get("backupStatus")).get("backupInProgress") is True
        return contract.NotYet(60.0, RUNNING) if is_running else contract.Ready(backups.baseline(client, current))

    def submit(self, client: Client, job: Job) -> contract.Accepted:
        """POST /databaseBackup/settings with `backupInProgress` true. The answer is the settings."""
        path, start = f"{backups.SETTINGS}?fields=backupStatus({backups.STATUS_FIELDS})", {"backupInProgress": True}
        answer = parsing.mapping(client.post(path, {"backupStatus": start}, creates=True).body)
        return contract.Accepted(backups.job_id(job), backups.status_of(client, job, answer.get("backupStatus")))

    def find(self, client: Client, job: Job) -> contract.Accepted | contract.Unknown:
        """None ran before the request, so one that runs or is new is of it, or of YouTrack's own schedule."""
        status = self.poll(client, job) if job.baseline else Status("unknown")
        if status.state == "unknown":
            return contract.Unknown(NOT_SEEN, may_turn_up=bool(job.baseline))
        return contract.Accepted(backups.job_id(job), status)

    def poll(self, client: Client, job: Job) -> Status:
        """GET /databaseBackup/settings/backupStatus, and the list when no backup runs."""
        if job.remote_id and not job.remote_id.startswith(backups.AFTER):
            return backups.status_of_file(backups.get(client, parsing.job_segment(job.remote_id, self.label)))
        answer = client.get(f"{backups.SETTINGS}/backupStatus", {"fields": backups.STATUS_FIELDS})
        return backups.status_of(client, job, answer.body)

    def check(self, client: Client) -> Sequence[contract.CheckStep]:
        """Whether the account may make backups shows only when it makes one."""
        return parsing.run_check_steps(
            ("Ask whose token it is", lambda: _text(client.get("/api/users/me", {"fields": "login"}).body, "login")),
            ("Read the backup settings", lambda: _text(backups.settings(client), "archiveFormat")),
        )

    def projects(self, client: Client) -> Sequence[contract.RemoteProject]:
        return [contract.RemoteProject("database", f"Database of {urlsplit(client.origin).hostname}")]

    def preflight(self, client: Client, job: Job) -> Sequence[contract.PreflightResult]:
        current = backups.settings(client)
        advice = (_other_format(current, job), "" if backups.has_space(client, current) else NO_SPACE)
        return [contract.PreflightResult(False, message) for message in advice if message]


def _other_format(current: Mapping[str, Any], job: Job) -> str:
    """What to do where the installation makes backups in another format than is asked for; "" where it does not."""
    made = parsing.text(current.get("archiveFormat"))
    return OTHER_FORMAT.format(made) if job.format and made != FORMATS[job.format] else ""


def _text(value: object, field: str) -> str:
    """A check step's detail. Raises UnreadableError where the answer lacks the field."""
    if not (found := parsing.text(parsing.mapping(value).get(field))):
        raise errors.UnreadableError(f"The answer has no {field}.")
    return found
