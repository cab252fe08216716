"""The stand-in for Ulule: exports of a project's orders, as a resource of its own."""

import time
from collections.abc import Iterator
from typing import Any

from exports.sandbox.blob import Blob
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import Service
from exports.sandbox.request_parsing import InvalidBody, Request, Response, html_response, json_response
from exports.sandbox.services.ulule_access import Authenticator
from exports.sandbox.services.ulule_fixtures import (
    DECLARATION,
    PROJECTS,
    USER,
    Project,
    format_date,
    paginate,
    project_json,
)
from exports.sandbox.sheets import COLUMNS, build_csv, build_xlsx

WAITING_SHARE = 0.15
INT32 = 2**31 - 1
# From these versions on, invalid credentials are refused also where none are needed (STRICT_AUTH), and unknown fields
# in a body are errors (STRICT_FIELDS).
STRICT_AUTH, STRICT_FIELDS = "2020-10-07", "2019-07-05"
ERRORS = {
    400: ("DeserializationError", "Bad request"),
    401: ("PermissionError", "Invalid credentials"),
    403: ("PermissionError", "You do not have permission to perform this action"),
    404: ("ValueError", "Not found"),
    409: ("ValueError", "Conflict"),
    422: ("ValueError", "Invalid value"),
    429: ("ValueError", "Too many requests"),
}


class Ulule(Service):
    """Routes below `/v1`, and `/oauth2/token/`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes."""
        self._access = Authenticator(self)
        self.route("POST", "/oauth2/token/", "auth", self._access.token, public=True)
        self.route("GET", "/v1/me", "auth", self.me)
        self.route("GET", "/v1/users/{user}/projects", "list", self.user_projects)
        self.route("GET", "/v1/projects/{project}", "list", self.project, public=True)
        self.route("POST", "/v1/projects/{project}/exports", "submit", self.export)
        self.route("GET", "/v1/projects/{project}/exports", "list", self.exports)
        self.route("GET", "/v1/exports/{job}", "poll", self.get_export, self.by_job)

    def authenticate(self, call: Request) -> str | Response:
        """The credential in any accepted form, or 401. Older versions ignore invalid ones where none are needed."""
        return self._access.identify(call.header("Authorization")) or self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        """An array of errors; an HTML page from status 500 on."""
        if status >= 500:
            return html_response(f"Error {status}", status=status)
        classification, text = ERRORS.get(status, ("ValueError", f"Error {status}"))
        return self.field_error_response(status, classification, message or text)

    def field_error_response(self, status: int, classification: str, message: str, *names: str) -> Response:
        """An array with one error about these fields."""
        return json_response(
            [{"classification": classification, "fieldNames": list(names), "message": message}], status
        )

    def job_not_found(self) -> Response:
        """404 without further details."""
        return self.error_response(404)

    def clear(self) -> None:
        """Forgets all tokens."""
        self._access.clear()

    def expire_tokens(self) -> None:
        """Makes all access tokens invalid."""
        self._access.expire()

    def snapshot(self) -> dict[str, Any]:
        """The tokens."""
        return self._access.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over the tokens of a snapshot."""
        self._access.restore(snapshot)

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every project that has a description."""
        return ((str(project.id), project.about) for project in PROJECTS.values() if project.about)

    def me(self, _: Request) -> Response:
        """The user behind the credential."""
        return json_response({**USER, "email": "stand-in@example.com"})

    def user_projects(self, call: Request) -> Response:
        """A page of the user's own projects; `state=created` is visible to the user alone."""
        if call.path_parameters["user"] not in (str(USER["id"]), USER["username"], "me"):
            return self.error_response(404)
        shown = [project_json(project) for project in PROJECTS.values() if project.is_owned]
        if call.query.get("state", "created") != "created":
            shown = []
        return paginate(call, "projects", shown)

    def project(self, call: Request) -> Response:
        """One project, also without credentials; with invalid ones only in old versions of the API."""
        if not call.caller and call.header("Authorization") and call.header("Ulule-Version") >= STRICT_AUTH:
            return self.error_response(401)
        project = self._project(call)
        if isinstance(project, Response):
            return project
        shown = project_json(project)
        if "user_role" in call.query.get("extra_fields", "").split(","):
            shown["user_role"] = ("owner" if project.is_owned else "fan") if call.caller else None
        return json_response({**shown, "id": 999_999} if call.shows_fault("other_project") else shown)

    def _project(self, call: Request) -> Project | Response:
        number = call.path_parameters["project"]
        if number.isdecimal() and int(number) > INT32:
            return self.field_error_response(400, "ValueError", "id is out of range", "id")
        project = PROJECTS.get(int(number)) if number.isdecimal() else None
        return project or self.error_response(404)

    def export(self, call: Request) -> Response:
        """Starts an export. The documents allow it only with OAuth2; here an API key is accepted too."""
        project = self._project(call)
        if isinstance(project, Response):
            return project
        if not project.is_owned:
            return self.error_response(403)
        try:
            body = call.data()
        except InvalidBody as wrong:
            return self.field_error_response(400, "DeserializationError", str(wrong))
        wrong_field = self._validation_error(call, body)
        if wrong_field:
            return wrong_field
        self._remember_past(project)
        job = self.make_job(call, str(project.id), "orders", body["format"], {"columns": body.get("columns")})
        if project.ending and not job.ending:
            job.ending, job.fault_details = project.ending, {"word": project.word}
        return json_response(self._shown(job, call), 201)

    def _validation_error(self, call: Request, body: dict[str, Any]) -> Response | None:
        for name, allowed in (("format", ("csv", "xlsx")), ("type", ("orders",))):
            if body.get(name) in (None, ""):
                return self.field_error_response(422, "RequiredError", f"{name} is required", name)
            if body[name] not in allowed:
                return self.field_error_response(422, "ValueError", f"{name} must be one of {', '.join(allowed)}", name)
        columns = body.get("columns")
        if columns is not None:
            if not isinstance(columns, dict) or not all(isinstance(title, str) for title in columns.values()):
                return self.field_error_response(
                    422, "TypeError", "columns must be an object of column ids and headers", "columns"
                )
            unknown = [name for name in columns if name not in COLUMNS]
            if unknown:
                return self.field_error_response(422, "ValueError", f"unknown column {unknown[0]}", "columns")
        unknown = [name for name in body if name not in ("format", "type", "columns")]
        if unknown and call.header("Ulule-Version") >= STRICT_FIELDS:
            return self.field_error_response(422, "UnknownFieldError", f"unknown field {unknown[0]}", unknown[0])
        return None

    def get_export(self, call: Request) -> Response:
        """An export as it is now."""
        number = call.path_parameters["job"]
        if number.isdecimal() and int(number) > INT32:
            return self.field_error_response(400, "ValueError", "id is out of range", "id")
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def exports(self, call: Request) -> Response:
        """A page of a project's exports, newest first."""
        project = self._project(call)
        if isinstance(project, Response):
            return project
        if not project.is_owned:
            return self.error_response(403)
        self._remember_past(project)
        jobs = reversed(self.listed(self.state.jobs.of_project(self.slug, str(project.id)), call))
        return paginate(call, "exports", [self._shown(job, call) for job in jobs])

    def _remember_past(self, project: Project) -> None:
        """Stores the exports of earlier days before the first new one; no ledger counts them."""
        jobs = self.state.jobs
        if not project.past or jobs.get(self.slug, f"{project.id}000"):
            return
        for place in range(project.past):
            made_at = time.time() - (project.past - place) * 3600
            form = ("csv", "xlsx")[place % 2]
            old = Job(self.slug, str(project.id), f"{project.id}{place:03}", "orders", form, {}, made_at, 5.0)
            jobs.add(old)

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        view = self.view_job(job, call)
        waiting = "processing" if view.progress > WAITING_SHARE else "waiting"
        canceled = job.fault_details.get("word") or "canceled"
        words = {"": waiting, "done": "succeeded", "failed": "failed", "canceled": canceled}
        return {
            "id": int(job.id),
            "project_id": 999_999 if view.other else int(job.project),
            "type": job.kind,
            "format": job.format,
            "status": view.word or words[view.end],
            "url": self.file_url(job, call) if view.link else None,
            "created_at": format_date(job.made_at),
            "user": USER,
        }

    def file_name(self, job: Job) -> str:
        """A name that says that this is a stand-in's file."""
        return f"stand-in-orders-{job.project}.{job.format}"

    def content(self, job: Job, version: int) -> Blob:
        """The orders in the job's format; another version has orders of other people."""
        make = build_csv if job.format == "csv" else build_xlsx
        return make(f"{job.project}{version or ''}", job.options.get("columns"), job.file_bytes)
