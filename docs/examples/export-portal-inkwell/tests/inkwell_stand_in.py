"""A stand-in for Inkwell. The portal's stand-ins give HTTP, jobs, files and faults; the package gives nothing."""

from collections.abc import Iterator
from typing import Any

from exports.sandbox.blob import Blob
from exports.sandbox.declaration import Declaration, DemoExport
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.sheets import build_csv

DECLARATION = Declaration(
    slug="inkwell",
    label="Inkwell",
    secrets={"token": "sandbox-token"},
    credentials_text="token `sandbox-token`",
    project_id="diary",
    project_name="Diary",
    exports=(DemoExport("notes", "csv"),),
    fault_project_id="fault-{:02}",
    content_types={"csv": "text/csv; charset=utf-8"},
)


class InkwellStandIn(Service):
    """Three routes."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        self.route("GET", "/me", "auth", self.me)
        self.route("POST", "/notebooks/{project}/export", "submit", self.export)
        self.route("GET", "/exports/{job}", "poll", self.get_export, self.by_job)

    def authenticate(self, call: Request) -> str | Response:
        scheme, _, token = call.header("Authorization").partition(" ")
        return token if scheme == "Bearer" and self.accepts("token", token) else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        return json_response({"error": message or f"Error {status}"}, status)

    def job_not_found(self) -> Response:
        return self.error_response(404)

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        yield "diary", "well-behaved"

    def me(self, _: Request) -> Response:
        return json_response({"name": "Stand-in Person"})

    def export(self, call: Request) -> Response:
        """Starts an export, or answers with the one that runs."""
        notebook = call.path_parameters["project"]
        if notebook not in {"diary", *(DECLARATION.fault_project(row.number) for row in fault_projects(DECLARATION))}:
            return self.error_response(404)
        running = [job for job in self.state.jobs.of_project(self.slug, notebook) if self.view_job(job, call).end == ""]
        job = running[0] if running else self.make_job(call, notebook, "notes", "csv", {})
        return json_response(self._shown(job, call), 202)

    def get_export(self, call: Request) -> Response:
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        view = self.view_job(job, call)
        words = {"": "writing", "done": "dry", "failed": "spilled", "canceled": "spilled"}
        return {
            "id": int(job.id),
            "notebook": "another" if view.other else job.project,
            "ink": view.word or words[view.end],
            "file": self.file_url(job, call) if view.link else None,
        }

    def file_name(self, job: Job) -> str:
        return f"stand-in-{job.project}.csv"

    def content(self, job: Job, version: int) -> Blob:
        return build_csv(f"{job.project}{version or ''}", None, job.file_bytes)
