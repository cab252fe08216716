"""The stand-in for AI Studios: videos of projects. Without job ids: progress is that of a project's newest export."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

from exports.sandbox.blob import Blob
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.services.aistudios_fixtures import (
    ALWAYS_STALE,
    DECLARATION,
    ERROR_MESSAGES,
    OTHER_PROJECT_ID,
    PROJECTS,
    RESOLUTIONS,
    WORKSPACES,
)
from exports.sandbox.video import build_mp4

TOKEN_SECONDS = 24 * 3600.0
# The part of a new export's duration in which a `stale` project still shows the export before it.
STALE_SHARE = 0.4
# When progress webhooks are sent, as parts of the job's duration.
WEBHOOK_PROGRESS = (0.25, 0.5, 0.75, 1.0)
DAY_SECONDS = 24 * 3600.0


class AIStudios(Service):
    """Routes below `/api/odin/v3`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes, and no token issued."""
        self._tokens: dict[str, float] = {}
        api = "/api/odin/v3"
        self.route("POST", f"{api}/auth/token", "auth", self.issue_token, public=True)
        self.route("GET", f"{api}/auth", "auth", self.check_token, public=True)
        self.route("POST", f"{api}/editor/project/export", "submit", self.export, self.by_body)
        self.route("GET", f"{api}/editor/progress/{{project}}", "poll", self.progress, self.by_latest)
        self.route("GET", f"{api}/editor/project/{{project}}", "list", self.project)
        self.route("GET", f"{api}/editor/project", "list", self.exported)
        self.route("GET", f"{api}/dropdown/workspaces", "list", self.workspaces)

    def authenticate(self, call: Request) -> str | Response:
        """The token, which the header carries without `Bearer`; 401 when it is unknown or expired."""
        token = call.header("Authorization")
        return token if time.time() < self._tokens.get(token, 0) else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        """`{"success": false, "error": {"code", "msg"}}`. The documents do not say which HTTP status goes with it."""
        text = message or ERROR_MESSAGES.get(status, f"Error {status}")
        return json_response({"success": False, "error": {"code": status, "msg": text}}, status)

    def job_not_found(self) -> Response:
        """Progress is that of a project, so the project is reported as missing."""
        return self.error_response(404)

    def clear(self) -> None:
        """Forgets all tokens."""
        self._tokens.clear()

    def expire_tokens(self) -> None:
        """Makes all tokens invalid."""
        self._tokens.clear()

    def snapshot(self) -> dict[str, Any]:
        """The tokens."""
        return {"tokens": dict(self._tokens)}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over the tokens of a snapshot."""
        self._tokens = dict(snapshot["tokens"])

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every project that has a description."""
        return ((number, about) for number, (_, _, about) in PROJECTS.items() if about)

    def by_body(self, call: Request) -> ProjectAndJob:
        """The project named in the body."""
        return str(call.data().get("projectId", "")), None

    def by_latest(self, call: Request) -> ProjectAndJob:
        """The project named in the path, and its newest export."""
        project = call.path_parameters["project"]
        return project, self._latest(project)

    def issue_token(self, call: Request) -> Response:
        """A token for 24 hours; older ones stay valid."""
        body = call.data()
        if not self.accepts("app_id", body.get("appId")) or not self.accepts("user_key", body.get("userKey")):
            return self.error_response(401, "Invalid appId or userKey")
        claims = {"stand-in": True, "key": secrets.token_hex(12)}
        parts = ({"alg": "none", "typ": "JWT"}, claims, {"signature": "none"})
        token = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        now = time.time()
        self._tokens = {old: until for old, until in self._tokens.items() if until > now}
        self._tokens[token] = now + TOKEN_SECONDS
        self.state.mark_changed()
        return _good({"token": token})

    def check_token(self, call: Request) -> Response:
        """Whether the token is valid; an invalid one is no error here."""
        return _good({"isAuthenticated": bool(call.caller)})

    def workspaces(self, _: Request) -> Response:
        """All workspaces, with ids and names."""
        return _good([{"workspaceId": number, "workspaceName": name} for number, name in WORKSPACES])

    def export(self, call: Request) -> Response:
        """Starts an export; refused while one of the same project runs."""
        body = call.data()
        project = body.get("projectId")
        if not isinstance(project, str) or project not in PROJECTS:
            return self.error_response(404)
        if str(body.get("resolution", "1080")) not in RESOLUTIONS:
            return self.error_response(400, "Invalid resolution")
        if body.get("workspaceId") not in (None, "", *(number for number, _ in WORKSPACES)):
            return self.error_response(404, "Workspace not found")
        before = self._latest(project)
        if before is not None and before.progress(time.time()) < 1:
            # HTTP 200 on purpose: the official samples look at the status and at `success`.
            reply = self.error_response(409)
            reply.status = 200
            return reply
        job = self.make_job(call, project, "video", "mp4", body)
        if project == ALWAYS_STALE and not job.ending:
            job.ending = "stale"
        job.extra["task"] = secrets.token_hex(12)
        self._plan_hints(job, call)
        shown = OTHER_PROJECT_ID if call.shows_fault("other_project") else project
        return _good({"projectId": shown})

    def _plan_hints(self, job: Job, call: Request) -> None:
        url = job.options.get("webhookUrl")
        if not isinstance(url, str) or not url:
            return
        for share in WEBHOOK_PROGRESS:
            hint: dict[str, Any] = {"progress": int(share * 100), "backendTaskId": job.extra["task"]}
            if share == 1 and job.ending not in ("job_fails", "no_file", "endless"):
                hint |= {"credit": 1, "download_url": self.file_url(job, call)}
            elif share == 1:
                continue
            self.state.webhooks.send_at(job.made_at + job.seconds * share, url, hint)

    def progress(self, call: Request) -> Response:
        """Progress in percent, the state, and the link once the export is done."""
        project = call.path_parameters["project"]
        if project not in PROJECTS:
            return self.error_response(404)
        shown = self._shown(project, call)
        data = {"progress": shown["progress"], "state": shown["state"]}
        if shown["link"]:
            data["downloadUrl"] = shown["link"]
        return _good(data)

    def project(self, call: Request) -> Response:
        """The project, with the state of its newest export."""
        project = call.path_parameters["project"]
        if project not in PROJECTS:
            return self.error_response(404)
        shown = self._shown(project, call)
        latest: Job | None = self._latest(project)
        other = OTHER_PROJECT_ID if call.shows_fault("other_project") else project
        data = {
            "_id": other,
            "name": PROJECTS[project][0],
            "orientation": "landscape",
            "scenes": [],
            "userId": "65fa0000dca2e36746000001",
            "templateId": None,
            "state": shown["state"],
            "thumbnailUrl": None,
            "baseInfoId": None,
            "dictionary": [],
            # The new export's from the request on, also while a stale project still shows the old progress.
            "backendTaskId": latest.extra.get("task") if latest else None,
            "exportType": "video",
            "progress": int(shown["progress"]),
            "creditSubstracted": bool(shown["link"]),
            "createdAt": "2024-03-20T05:00:00.000Z",
            "updatedAt": _date(latest.changed_at(time.time()) if latest else 1_710_910_800),
        }
        if shown["link"]:
            data["download_url"] = shown["link"]
        return _good({"project": data})

    def exported(self, call: Request) -> Response:
        """The projects with a finished video."""
        items = []
        for project, (name, _, _) in PROJECTS.items():
            if self._latest(project) is None:
                continue
            shown = self._shown(project, call)
            if shown["link"]:
                item = {"id": project, "name": name, "state": shown["state"], "download_url": shown["link"]}
                items.append(item)
        return _good(items)

    def _latest(self, project: str) -> Job | None:
        made = self.state.jobs.of_project(self.slug, project)
        if made:
            return made[-1]
        if project in PROJECTS and PROJECTS[project][1]:
            return self._from_yesterday(project)
        return None

    def _from_yesterday(self, project: str) -> Job:
        """An export of the day before, which no list and no ledger counts."""
        number = f"{project}-yesterday"
        job = self.state.jobs.get(self.slug, number)
        if job is None:
            made_at = time.time() - DAY_SECONDS
            job = Job(self.slug, project, number, "video", "mp4", {}, made_at, 60.0, extra={"task": "0" * 24})
            self.state.jobs.add_unlisted(job)
        return job

    def _before(self, job: Job) -> Job | None:
        made = self.state.jobs.of_project(self.slug, job.project)
        place = made.index(job)
        if place:
            return made[place - 1]
        return self._from_yesterday(job.project) if PROJECTS[job.project][1] else None

    def _shown(self, project: str, call: Request) -> dict[str, Any]:
        """Progress (0 to 100), state and link (or None) of the project's newest export."""
        job = self._latest(project)
        if job is None:
            return {"progress": 0, "state": "draft", "link": None}
        if job.ending == "stale" and job.progress(time.time()) < STALE_SHARE:
            before = self._before(job)
            if before is not None:
                self.record_fault_shown(job)
                return {"progress": 100, "state": "exported", "link": self.file_url(before, call)}
        view = self.view_job(job, call)
        states = {"": "exporting", "done": "exported", "failed": "failed", "canceled": "canceled"}
        progress = 100 if view.end == "done" else round(view.progress * 99.99, 2)
        link = self.file_url(job, call) if view.link else None
        return {"progress": progress, "state": view.word or states[view.end], "link": link}

    def file_name(self, job: Job) -> str:
        """A name that says that this is a stand-in's video."""
        return f"stand-in-video-{job.project}.mp4"

    def content(self, job: Job, version: int) -> Blob:
        """A short video whose text says that it is a stand-in's; each job has a background colour of its own."""
        return build_mp4(sum(job.id.encode()) + 11 * version, job.file_bytes)


def _good(data: object) -> Response:
    return json_response({"success": True, "data": data})


def _date(when: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return f"{whole}.{int(when % 1 * 1000):03}Z"
