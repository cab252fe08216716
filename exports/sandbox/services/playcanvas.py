"""The stand-in for PlayCanvas: archives of projects and downloads of apps, both as jobs."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from exports.sandbox.blob import Blob
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.services.playcanvas_fixtures import (
    DECLARATION,
    PROJECTS,
    USER,
    Project,
    echoed_fields,
    format_date,
    paginate,
    validation_error,
)
from exports.sandbox.zips import build_zip_of

ERROR_MESSAGES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    409: "Conflict",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
BRANCHES_PER_PAGE = 20


class PlayCanvas(Service):
    """Routes below `/api`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes; those that start a job are in the rate-limit class `strict`, the others in `normal`."""
        add = self.route
        add("POST", "/api/projects/{project}/export", "submit", self.export, limit="strict")
        add("POST", "/api/apps/download", "submit", self.download_app, self.by_body, "strict")
        add("GET", "/api/jobs/{job}", "poll", self.job, self.by_job, "normal")
        add("GET", "/api/projects/{project}/branches", "list", self.branches, limit="normal")
        add("GET", "/api/projects/{project}/scenes", "list", self.scenes, limit="normal")
        add("GET", "/api/projects/{project}/app", "list", self.primary_app, limit="normal")
        add("GET", "/api/projects/{project}/apps", "list", self.apps, limit="normal")
        add("GET", "/api/projects/{project}", "list", self.project, limit="normal", public=True)
        add("GET", "/api/ratelimits", "auth", self.rate_limits, limit="normal")
        add("GET", "/api/id", "auth", lambda _: json_response({"id": USER["id"]}), limit="normal")
        add("GET", "/api/users/{user}/projects", "list", self.user_projects, limit="normal")
        add("GET", "/api/users/{user}", "list", self.user, limit="normal")

    def authenticate(self, call: Request) -> str | Response:
        """The bearer token; 401 when it is unknown."""
        scheme, _, token = call.header("Authorization").partition(" ")
        known = scheme.lower() == "bearer" and self.accepts("token", token.strip())
        return token.strip() if known else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        """`{"error": "<text>"}`."""
        return json_response({"error": message or ERROR_MESSAGES.get(status, f"Error {status}")}, status)

    def job_not_found(self) -> Response:
        """404 in the documented words."""
        return self.error_response(404, "Job not found")

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every project that has a description."""
        return ((str(project.id), project.about) for project in PROJECTS.values() if project.about)

    def by_body(self, call: Request) -> tuple[str | None, Job | None]:
        """The project named in the body."""
        return str(call.data().get("project_id", "")), None

    def _project(self, call: Request) -> Project | Response:
        number = call.path_parameters["project"]
        project = PROJECTS.get(int(number)) if number.isdecimal() and len(number) < 10 else None
        return project or self.error_response(404, "Project not found")

    def export(self, call: Request) -> Response:
        """Starts an archive. Answers 200: the documents say 201, but the official tools accept only 200 here."""
        project = self._project(call)
        if isinstance(project, Response):
            return project
        if project.refuses:
            return self.error_response(*project.refuses)
        body = call.data()
        branch = body.get("branch_id")
        if branch is not None and branch not in {project.branch_id(name) for name in project.branches}:
            return self.error_response(404, "Branch not found")
        job = self.make_job(call, str(project.id), "archive", "zip", body)
        return json_response(self._shown(job, call), 200)

    def download_app(self, call: Request) -> Response:
        """Starts an app download, with the present field names or with those of the first documents."""
        body = call.data()
        number = body.get("project_id")
        project = PROJECTS.get(int(number)) if isinstance(number, int | str) and str(number).isdecimal() else None
        if project is None:
            return self.error_response(404, "Project not found")
        if project.refuses:
            return self.error_response(*project.refuses)
        wrong = validation_error(body)
        if wrong:
            return self.error_response(*wrong)
        scenes: list[int] = body["scenes"] if "scenes" in body else body["source_pack_ids"]
        branches = {project.branch_id(name) for name in project.branches}
        if not project.has_scenes(scenes) or body.get("branch_id") not in (None, *branches):
            return self.error_response(404, "Scene not found")
        return json_response(self._shown(self.make_job(call, str(project.id), "app", "zip", body), call), 201)

    def job(self, call: Request) -> Response:
        """A job as it is now."""
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        view, project = self.view_job(job, call), PROJECTS[int(job.project)]
        status = view.word or {"": "running", "done": "complete"}.get(view.end, "error")
        number = project.id + 900_000 if view.other else project.id
        link = {"url" if job.kind == "archive" else "download_url": self.file_url(job, call)} if view.link else {}
        data = dict(link) if project.replaces and link else {**echoed_fields(job, number), **link}
        shown: dict[str, Any] = {
            "id": int(job.id),
            "created_at": format_date(job.made_at),
            "status": status,
            "data": data,
        }
        shown["modified_at"] = format_date(job.changed_at(datetime.now(UTC).timestamp()))
        shown["scope"] = {"type": "user", "id": USER["id"]}
        if project.messages or status == "error":
            shown["messages"] = ["Could not export"] if status == "error" else []
        return shown

    def branches(self, call: Request) -> Response:
        """Open branches by name; `skip` is the id of the last one seen."""
        project = self._project(call)
        if isinstance(project, Response):
            return project
        items = [
            {
                "id": project.branch_id(name),
                "projectId": project.id,
                "name": name,
                "createdAt": "2025-10-21T12:42:13.331Z",
                "closed": False,
                "latestCheckpointId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{project.id}/{name}/checkpoint")),
                "user": {"id": USER["id"], "fullName": USER["full_name"], "username": USER["username"]},
            }
            for name in sorted(project.branches)
        ]
        ids = [item["id"] for item in items]
        start = ids.index(call.query["skip"]) + 1 if call.query.get("skip") in ids else 0
        size = min(call.query_int("limit", BRANCHES_PER_PAGE) or BRANCHES_PER_PAGE, BRANCHES_PER_PAGE)
        return json_response(
            {"result": items[start : start + size], "pagination": {"hasMore": start + size < len(items)}}
        )

    def scenes(self, call: Request) -> Response:
        """All scenes of a branch, on one page."""
        project = self._project(call)
        if isinstance(project, Response):
            return project
        if call.query.get("branchId") not in (None, "", *(project.branch_id(name) for name in project.branches)):
            return self.error_response(404, "Branch not found")
        when = "2025-10-21T12:42:13.331Z"
        items = [
            {"id": number, "projectId": project.id, "name": f"Scene {place}", "created": when, "modified": when}
            for place, number in enumerate(project.scene_ids, 1)
        ]
        return json_response({"result": items})

    def primary_app(self, call: Request) -> Response:
        """404, since no project here has published an app."""
        project = self._project(call)
        return (
            project
            if isinstance(project, Response)
            else self.error_response(404, "Project does not have a primary app")
        )

    def apps(self, call: Request) -> Response:
        """An empty list."""
        project = self._project(call)
        return project if isinstance(project, Response) else json_response(paginate([], call))

    def project(self, call: Request) -> Response:
        """Refused with a token, for its scope, as by the service. Public projects can be read without one."""
        if call.header("Authorization"):
            return self.error_response(401, "Token does not have required scope" if call.caller else "")
        project = self._project(call)
        return project if isinstance(project, Response) else json_response({"id": project.id, "name": project.name})

    def rate_limits(self, _: Request) -> Response:
        """The present rate limits."""
        kinds = ("normal", "strict", "assets", "post", "download")
        return json_response({"limits": {kind: self.state.limits.limit_for(self.declaration, kind) for kind in kinds}})

    def user(self, call: Request) -> Response:
        """The only user, by id or name."""
        known = call.path_parameters["user"] in (str(USER["id"]), USER["username"])
        return json_response(USER) if known else self.error_response(404, "User not found")

    def user_projects(self, call: Request) -> Response:
        """The user's projects, in pages by count."""
        if call.path_parameters["user"] not in (str(USER["id"]), USER["username"]):
            return self.error_response(404, "User not found")
        return json_response(
            paginate([{"id": project.id, "name": project.name} for project in PROJECTS.values()], call)
        )

    def file_name(self, job: Job) -> str:
        """A name that says that this is a stand-in's file."""
        return f"stand-in-{job.kind}-{job.project}.zip"

    def content(self, job: Job, version: int) -> Blob:
        """A ZIP with the layout of the service's; `stand-in/assets.bin` fills it up to the wanted size."""
        project = PROJECTS[int(job.project)]
        about = {"stand-in": True, "project": project.id, "name": project.name, "job": int(job.id), "version": version}
        content = {"request": job.options, **about}
        names = ["project.json"]
        if job.kind == "app":
            names = {"npm": ["package.json", "vite.config.js"]}.get(str(job.options.get("format")), ["index.html"])
            names += ["config.json", "manifest.json", "files/assets/1/1/texture.json"]
            if job.options.get("target") == "ios":
                names += ["StandIn.xcodeproj/project.pbxproj"]
        chosen = job.options.get("scenes", job.options.get("source_pack_ids", project.scene_ids))
        names += [f"{number}.json" if job.kind == "app" else f"scenes/{number}.json" for number in chosen]
        note = b"Made by a stand-in provider, not by PlayCanvas. It cannot be imported anywhere.\n"
        packed = [("README-STAND-IN.txt", note), *((name, json.dumps(content, indent=1).encode()) for name in names)]
        pattern = bytes((place * 7 + version) % 251 for place in range(4096))
        return build_zip_of(
            packed, 262_144 if job.file_bytes is None else job.file_bytes, "stand-in/assets.bin", pattern
        )
