"""The stand-in for YouTrack: backups of the one database of an installation, which run one at a time.

Its origin is the address of the service with its context path, so `/api/…` and `/backupFile/…` are below it.
"""

import base64
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from exports.sandbox.blob import Blob
from exports.sandbox.declaration import Declaration, DemoExport
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Service
from exports.sandbox.request_parsing import InvalidBody, Request, Response, html_response, json_response
from exports.sandbox.tarballs import build_tar_gz_of
from exports.sandbox.zips import build_zip_of

DATABASE: Final = "database"
# Tokens whose account may read or write (Low-level Admin) less than others.
OTHER_TOKENS: Final[Mapping[str, str]] = {"sandbox-read": "r", "sandbox-nothing": ""}
# The status to the texts of `error` and `error_description`.
ERRORS: Final = {
    400: ("bad_request", "The request is malformed"),
    401: ("Unauthorized", "You are not logged in."),
    403: ("Forbidden", "Insufficient rights"),
    404: ("Not Found", "Entity not found"),
    409: ("Conflict", "Conflict"),
    422: ("invalid_properties", "Invalid value"),
    429: ("Too Many Requests", "Too many requests"),
}
FORMATS: Final = {"TAR_GZ": "tar.gz", "ZIP": "zip"}
NO_SPACE: Final = "No space left on device"
FREE_BYTES: Final = 500_000_000_000
# As many as a list has where the request says nothing.
DEFAULT_TOP: Final = 42
# A name, with what it opens, or the end of a list of names.
FIELD: Final = re.compile(r"([\w$]+)(\(?)|([,)])")


@dataclass(slots=True)
class BackupSettings:
    """What an administrator can set; `past` is how many backups of earlier days there are."""

    archive_format: str = "TAR_GZ"
    files_to_keep: int = 3
    free_bytes: int = FREE_BYTES
    past: int = 2


class YouTrack(Service):
    """Routes below `/api`, and `/backupFile/{name}`."""

    declaration = Declaration(
        slug="youtrack",
        label="YouTrack",
        secrets={"token": "sandbox-token"},
        credentials_text="token `sandbox-token`, also as `perm:sandbox-token`; `sandbox-read` may not make backups",
        project_id=DATABASE,
        project_name="Issue tracker",
        exports=(DemoExport("backup", "tar.gz"),),
        fault_project_id="",
        faults_without_field=frozenset(
            (kind, fault)
            for kind in ("submit", "poll", "list")
            for fault in ("unknown_word", "progress_back", "other_project", "id_as_text")
        ),
        formats=("tar.gz",),
        content_types={"tar.gz": "application/gzip", "zip": "application/zip"},
        authorised_downloads=True,
    )

    def build_routes(self) -> None:
        """All routes. No rate limit is documented."""
        self.clear()
        base = "/api/admin/databaseBackup"
        self.route("GET", "/api/users/me", "auth", self.me)
        self.route("GET", f"{base}/settings", "list", self.settings, self.the_database)
        self.route("POST", f"{base}/settings", "submit", self.update_settings, self.the_database)
        self.route("GET", f"{base}/settings/backupStatus", "poll", self.status, self.the_database)
        self.route("GET", f"{base}/backups", "list", self.backups, self.the_database)
        self.route("GET", f"{base}/backups/{{job}}", "list", self.backup, self.by_job)
        self.route("GET", "/backupFile/{job}", "file", self.file, self.by_job, public=True)

    def clear(self) -> None:
        """The settings of a new installation."""
        self.options = BackupSettings()

    def the_database(self, call: Request) -> ProjectAndJob:
        """The one project, and its latest backup."""
        jobs = self.state.jobs.of_project(self.slug, DATABASE)
        call.job = jobs[-1] if jobs else None
        return DATABASE, call.job

    def authenticate(self, call: Request) -> str | Response:
        """A permanent token whose account may do what the request asks for."""
        scheme, _, token = call.header("Authorization").partition(" ")
        token = token.strip().removeprefix("perm:")
        is_known = token in OTHER_TOKENS or self.accepts("token", token)
        if scheme.lower() != "bearer" or not is_known:
            return self.error_response(401)
        needed = "" if "/users/" in call.path else "w" if call.method == "POST" else "r"
        return token if needed in OTHER_TOKENS.get(token, "rw") else self.error_response(403)

    def error_response(self, status: int, message: str = "") -> Response:
        """`{error, error_description}`; a page of the proxy in front from status 500 on."""
        if status >= 500:
            return html_response(f"Error {status}", status=status)
        error, text = ERRORS.get(status, ("error", f"Error {status}"))
        return json_response({"error": error, "error_description": message or text}, status)

    def job_not_found(self) -> Response:
        """404 for a backup that is not in the list."""
        return self.error_response(404)

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """The one database."""
        yield DATABASE, "the database of the installation, with two backups of earlier days; control its faults"

    def me(self, call: Request) -> Response:
        """The account of the token."""
        return self._entity(call, {"id": "1-1", "login": "stand-in", "name": "Stand-in Administrator", "$type": "Me"})

    def settings(self, call: Request) -> Response:
        """The settings, with the status of the latest backup."""
        return self._entity(call, self._settings(call))

    def update_settings(self, call: Request) -> Response:
        """Changes settings. `backupStatus.backupInProgress` true starts a backup, unless one runs already."""
        body = call.data()
        status = body.get("backupStatus", {})
        if body.get("archiveFormat", "ZIP") not in FORMATS or not isinstance(status, dict):
            raise InvalidBody("archiveFormat must be TAR_GZ or ZIP, and backupStatus an object")
        self.options.archive_format = body.get("archiveFormat", self.options.archive_format)
        self.options.files_to_keep = max(1, int(body.get("filesToKeep", self.options.files_to_keep)))
        if status.get("backupInProgress") is True and not self._is_running(call):
            form, now = FORMATS[self.options.archive_format], time.time()
            while self.state.jobs.get(self.slug, f"{_stamp(now)}.{form}"):
                now += 1
            call.job = self.make_job(call, DATABASE, "backup", form, {}, number=f"{_stamp(now)}.{form}")
        return self._entity(call, self._settings(call))

    def status(self, call: Request) -> Response:
        """The status of the backup process."""
        return self._entity(call, self._status(call))

    def backups(self, call: Request) -> Response:
        """A page of the backup files, newest first. A file is listed when it is finished."""
        skip, top = call.query_int("$skip", 0), call.query_int("$top", DEFAULT_TOP)
        rows = [self._select(call, self._file_json(job)) for job in self._files(call)]
        return json_response(rows[skip : skip + top])

    def backup(self, call: Request) -> Response:
        """One backup file."""
        is_there = call.path_parameters["job"] in {job.id for job in self._files(call)}
        job = self.state.jobs.get(self.slug, call.path_parameters["job"])
        return self._entity(call, self._file_json(job)) if is_there and job else self.job_not_found()

    def file(self, call: Request) -> Response:
        """The bytes of a backup: to a signed link, or to an account that may read backups."""
        job = call.job
        signed = job is not None and call.query.get("sign") == self._signature(job).replace("\r\n", "")
        if not call.caller and not signed:
            return self.error_response(403 if "sign" in call.query else 401)
        if job is None or job.id not in {other.id for other in self._files(call)}:
            return self.job_not_found()
        return self.download(call)

    def _is_running(self, call: Request) -> bool:
        return call.job is not None and not self.view_job(call.job, call).end

    def _status(self, call: Request) -> dict[str, Any]:
        """The latest backup's status. An error stays until the next backup begins."""
        view = self.view_job(call.job, call) if call.job else None
        error = None
        if call.job and view and view.end == "failed":
            date = int(call.job.ends_at * 1000)
            error = {"id": call.job.id, "date": date, "errorMessage": NO_SPACE, "$type": "BackupError"}
        return {
            "id": "backupStatus",
            "backupInProgress": view is not None and not view.end,
            "stopBackup": False,
            "backupCancelled": view is not None and view.end == "canceled",
            "backupError": error,
            "$type": "BackupStatus",
        }

    def _settings(self, call: Request) -> dict[str, Any]:
        return {
            "id": "settings",
            "location": "/opt/youtrack/backups",
            "filesToKeep": self.options.files_to_keep,
            "cronExpression": "0 0 4 * * ?",
            "archiveFormat": self.options.archive_format,
            "isOn": True,
            "availableDiskSpace": self.options.free_bytes,
            "backupStatus": self._status(call),
            "$type": "DatabaseBackupSettings",
        }

    def _files(self, call: Request) -> list[Job]:
        """The finished backups that are kept, newest first; at first those of earlier days."""
        jobs = self.state.jobs
        for days in range(self.options.past, 0, -1) if not jobs.of_project(self.slug, "earlier") else ():
            made_at = time.time() - days * 86_400
            jobs.add(Job(self.slug, "earlier", f"{_stamp(made_at)}.tar.gz", "backup", "tar.gz", {}, made_at, 6.0))
        made = [*jobs.of_project(self.slug, "earlier"), *jobs.of_project(self.slug, DATABASE)]
        views = [(job, self.view_job(job, call)) for job in self.listed(made, call)]
        done = [job for job, view in views if view.end == "done" and view.link]
        return done[::-1][: self.options.files_to_keep]

    def _file_json(self, job: Job) -> dict[str, Any]:
        return {
            "id": job.id,
            "name": job.id,
            "size": self.content(job, 0).size,
            "creationDate": int(job.ends_at * 1000),
            "link": f"backupFile/{job.id}?sign={self._signature(job)}",
            "file": f"/opt/youtrack/backups/{job.id}",
            "error": None,
            "$type": "BackupFile",
        }

    def _signature(self, job: Job) -> str:
        """Base64 with line ends in it, which clients have found in real links and take out."""
        encoded = base64.urlsafe_b64encode(f"{self.file_link(job).token}:{job.id}".encode()).decode().rstrip("=")
        return f"{encoded[:40]}\r\n{encoded[40:]}\r\n"

    def _entity(self, call: Request, entity: Mapping[str, Any]) -> Response:
        return json_response(self._select(call, entity))

    def _select(self, call: Request, entity: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields that the request names, and `$type`; without names the id."""
        selected: Mapping[str, Any] = _pick(entity, _parse_fields(call.query.get("fields", "") or "id"))
        return selected

    def file_name(self, job: Job) -> str:
        """The name of the backup."""
        return job.id

    def content(self, job: Job, version: int) -> Blob:
        """A made-up database."""
        members = [
            ("youtrack/version", b"2026.2"),
            ("youtrack/00000000000.xd", f"{job.id}/{version}\n".encode() * 2000),
        ]
        if job.format == "zip":
            return build_zip_of(members, job.file_bytes, "youtrack/blobs/filler", b"stand-in ")
        return build_tar_gz_of(members, job.file_bytes, "youtrack/blobs/filler")


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d-%H-%M-%S")


def _parse_fields(text: str) -> dict[str, Any]:
    """`a,b(c,d)` as `{"a": {}, "b": {"c": {}, "d": {}}}`."""
    found: dict[str, Any] = {}
    path: list[dict[str, Any]] = [found]
    for name, opening, mark in FIELD.findall(text):
        if name:
            inner = path[-1].setdefault(name, {})
            path += [inner] if opening else []
        elif mark == ")" and len(path) > 1:
            path.pop()
    return found


def _pick(entity: Any, fields: Mapping[str, Any]) -> Any:
    if isinstance(entity, Mapping):
        picked = {name: _pick(entity[name], inner) for name, inner in fields.items() if name in entity}
        return {**picked, "$type": entity["$type"]}
    if isinstance(entity, Sequence) and not isinstance(entity, str):
        return [_pick(item, fields) for item in entity]
    return entity
