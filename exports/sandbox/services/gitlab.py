"""The stand-in for GitLab: the export of a project, which has no id, downloaded with the token or from a storage."""

import json
import time
from collections.abc import Iterator
from urllib.parse import unquote

from exports.sandbox.blob import Blob
from exports.sandbox.declaration import Declaration, DemoExport, FaultProject
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.tarballs import build_tar_gz_of

GROUP = "stand-in"
# A worker of GitLab makes the job some time after the 202; until then the status is that of before.
UNSEEN_SHARE, QUEUED_SHARE = 0.05, 0.2
MAX_PAGE_SIZE = 100
TOO_MANY = {"message": {"error": "This endpoint has been requested too many times. Try again later."}}
DECLARATION = Declaration(
    slug="gitlab",
    label="GitLab",
    secrets={"token": "sandbox-token"},
    credentials_text="token `sandbox-token`",
    project_id="5001",
    project_name="Lighthouse",
    exports=(DemoExport("archive", "tar.gz"),),
    fault_project_id="51{:02}",
    well_behaved=("5002",),
    own_fault_projects=(
        FaultProject(
            80,
            (("submit", "status", {"status": 400, "body": {"message": "The project size exceeds the export limit."}}),),
            "the project is larger than this GitLab exports",
        ),
        FaultProject(
            81,
            (
                (
                    "submit",
                    "status",
                    {
                        "status": 403,
                        "body": {
                            "error": "insufficient_scope",
                            "error_description": "The request requires higher privileges.",
                            "scope": "api",
                        },
                    },
                ),
            ),
            "the token lacks the scope api",
        ),
        FaultProject(
            82,
            (("submit", "429", {"body": "Retry later", "retry_after": 2, "times": 1}),),
            "the general limit answers 429 with a plain text, once",
        ),
    ),
    # It has neither ids of jobs, nor lists of them, nor links, nor progress, and its staff cancels nothing.
    faults_without_field=frozenset(
        (
            ("submit", "id_as_text"),
            ("submit", "other_project"),
            ("submit", "canceled_by_staff"),
            ("submit", "no_file"),
            ("submit", "late_link"),
            ("poll", "progress_back"),
            ("poll", "id_as_text"),
        )
    ),
    content_types={"tar.gz": "application/gzip"},
    authorised_downloads=True,
    # Per minute and user, from the documents; no header tells it.
    limits={"export": 6, "download": 1},
    limit_window=60.0,
)
WELL_BEHAVED = {
    "5001": ("lighthouse", "well-behaved, its file lies in a storage"),
    "5002": ("harbour", "well-behaved, its file comes from GitLab itself"),
}


def _names() -> dict[str, str]:
    """The path of every project by its number."""
    faulty = {DECLARATION.fault_project(row.number): f"fault-{row.number}" for row in fault_projects(DECLARATION)}
    return {
        number: f"{GROUP}/{name}"
        for number, name in {**{number: row[0] for number, row in WELL_BEHAVED.items()}, **faulty}.items()
    }


class GitLab(Service):
    """Routes below `/api/v4`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes."""
        self._paths = _names()
        project = "/api/v4/projects/{project}"
        self.route("GET", "/api/v4/user", "auth", self.user)
        self.route("GET", "/api/v4/projects", "list", self.projects)
        self.route("GET", project, "list", self.project, self.by_id_or_path)
        self.route("POST", f"{project}/export", "submit", self.export, self.by_id_or_path, limit="export")
        self.route("GET", f"{project}/export", "poll", self.status, self.by_id_or_path)
        self.route("GET", f"{project}/export/download", "file", self.download_export, self.by_id_or_path, "download")

    def by_id_or_path(self, call: Request) -> ProjectAndJob:
        """The project by its number or quoted path, and its newest job: there are no others."""
        named = unquote(call.path_parameters["project"])
        number = next((id_ for id_, path in self._paths.items() if named in (id_, path)), None)
        jobs = self.state.jobs.of_project(self.slug, number or "")
        return number, jobs[-1] if jobs else None

    def authenticate(self, call: Request) -> str | Response:
        """The token, as `Authorization: Bearer` or as `PRIVATE-TOKEN`."""
        scheme, _, bearer = call.header("Authorization").partition(" ")
        token = call.header("PRIVATE-TOKEN") or (bearer if scheme == "Bearer" else "")
        return token if self.accepts("token", token) else json_response({"message": "401 Unauthorized"}, 401)

    def error_response(self, status: int, message: str = "") -> Response:
        """`message` with a text that begins with the status, as GitLab has it."""
        texts = {400: "Bad request", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 500: "Internal Server Error"}
        if status == 429:
            return json_response(TOO_MANY, 429)
        return json_response({"message": message or f"{status} {texts.get(status, 'Error')}"}, status)

    def job_not_found(self) -> Response:
        """A project that the user may not see is not found."""
        return self.error_response(404, "404 Project Not Found")

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Number and what is special."""
        return ((number, about) for number, (_, about) in WELL_BEHAVED.items())

    def user(self, _: Request) -> Response:
        """Whose token it is."""
        return json_response({"id": 7, "username": "stand-in", "name": "Stand-in Person"})

    def projects(self, call: Request) -> Response:
        """A page of the projects; X-Next-Page is empty on the last."""
        size, page = min(max(call.query_int("per_page", 20), 1), MAX_PAGE_SIZE), max(call.query_int("page", 1), 1)
        numbers = list(self._paths)
        shown = [self._shown(number) for number in numbers[(page - 1) * size : page * size]]
        following = str(page + 1) if page * size < len(numbers) else ""
        return json_response(shown, headers={"X-Next-Page": following})

    def project(self, call: Request) -> Response:
        """One project, by number or path."""
        number, _ = self.by_id_or_path(call)
        return json_response(self._shown(number)) if number else self.job_not_found()

    def _shown(self, number: str) -> dict[str, object]:
        path = self._paths[number]
        return {"id": int(number), "path": path.partition("/")[2], "path_with_namespace": path, "name": path}

    def export(self, call: Request) -> Response:
        """Deletes the file that is kept, and begins another job unless one runs."""
        number, last = self.by_id_or_path(call)
        if number is None:
            return self.job_not_found()
        if last is None or last.progress(time.time()) >= 1:
            self.make_job(call, number, "archive", "tar.gz", {})
        return json_response({"message": "202 Accepted"}, 202)

    def status(self, call: Request) -> Response:
        """The state of the project's export."""
        number, job = self.by_id_or_path(call)
        if number is None:
            return self.job_not_found()
        word, other = "none", False
        if job is not None:
            view = self.view_job(job, call)
            running = "queued" if view.progress < QUEUED_SHARE else "started"
            early = "none" if job.seconds > 0 and view.progress < UNSEEN_SHARE else running
            word, other = view.word or {"": early, "done": "finished"}.get(view.end, "failed"), view.other
        body = {**self._shown("5002" if other else number), "export_status": word}
        if word == "finished":
            body["_links"] = {"api_url": f"{call.origin}/api/v4/projects/{number}/export/download"}
        return json_response(body)

    def download_export(self, call: Request) -> Response:
        """The file: of most projects a redirect to a storage, where no token must come along."""
        number, job = self.by_id_or_path(call)
        if number is None or job is None or self.view_job(job, call).end != "done":
            return self.error_response(404, "404 Not found or has expired")
        return self.redirect_to_storage(call) if number == "5001" else self.download(call)

    def file_name(self, job: Job) -> str:
        """As GitLab names it, with the time of the export."""
        made = time.strftime("%Y-%m-%d_%H-%M-%S", time.gmtime(job.ends_at))
        return f"{made}_{self._paths[job.project].replace('/', '_')}_export.tar.gz"

    def content(self, job: Job, version: int) -> Blob:
        """The files of a project's export; another version has other issues."""
        issues = "".join(json.dumps({"iid": iid, "title": f"Issue {iid}.{version}"}) + "\n" for iid in range(1, 40))
        members = [
            ("./VERSION", b"0.2.4"),
            ("./GITLAB_VERSION", b"17.0.0"),
            ("./README.txt", b"Made by a stand-in, not by the real service.\n"),
            ("./tree/project.json", json.dumps({"description": "Made by a stand-in", "job": job.id}).encode()),
            ("./tree/project/issues.ndjson", issues.encode()),
            ("./project.bundle", b"# v2 git bundle\n" + bytes(version) + b"stand-in" * 200),
        ]
        return build_tar_gz_of(members, job.file_bytes, "./uploads/filler.bin")
