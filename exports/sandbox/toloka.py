"""The stand-in for Toloka: projects move to the archive by operations; nothing comes back as a file."""

import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from exports.sandbox.blob import Blob
from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.toloka_fixtures import (
    Pool,
    format_time,
    list_page,
    make_pools,
    make_projects,
    pool_json,
    project_json,
)

TOKENS = frozenset(("sandbox-token", *(f"sandbox-token-{number}" for number in range(2, 10))))
CODES = {
    400: ("VALIDATION_ERROR", "Validation failed"),
    401: ("AUTHENTICATION_ERROR", "Authentication failed"),
    403: ("ACCESS_DENIED", "Access denied"),
    404: ("DOES_NOT_EXIST", "This object does not exist"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed"),
    409: ("CONFLICT_STATE", "Conflicting state"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    500: ("INTERNAL_ERROR", "Internal error"),
    503: ("REMOTE_SERVICE_UNAVAILABLE", "Remote service unavailable"),
}
ARCHIVE = "PROJECT.ARCHIVE"
# The parts of an operation at which it starts, and how long side operations take compared with archiving a project.
PENDING_SHARE = 0.15
SIDE_SHARE = 0.1


class Toloka(Service):
    """Routes below `/api/v1`."""

    slug = "toloka"
    label = "Toloka"
    content_types: ClassVar[Mapping[str, str]] = {}

    def build_routes(self) -> None:
        """All routes, and the projects as they are at the start."""
        self.clear()
        add = self.route
        add("GET", "/api/v1/requester", "auth", self.requester)
        add("GET", "/api/v1/projects", "list", self.projects)
        add("GET", "/api/v1/projects/{project}", "list", self.project)
        add("POST", "/api/v1/projects/{project}/archive", "submit", self.archive)
        add("GET", "/api/v1/operations", "list", self.operations)
        add("GET", "/api/v1/operations/{job}", "poll", self.operation, self.by_job)
        add("GET", "/api/v1/operations/{job}/log", "list", self.log, self.by_job)
        for kind in ("pools", "trainings"):
            add("GET", f"/api/v1/{kind}", "list", self.list_pools, self.by_query)
            add("GET", f"/api/v1/{kind}/{{thing}}", "list", self.get_pool, self.by_pool)
            add("POST", f"/api/v1/{kind}/{{thing}}/close", "side", self.close, self.by_pool)
            add("POST", f"/api/v1/{kind}/{{thing}}/archive", "side", self.archive_pool, self.by_pool)
        for kind in ("assignments", "attachments"):
            add("GET", f"/api/v1/{kind}", "list", lambda _: json_response({"items": [], "has_more": False}))

    def authenticate(self, call: Request) -> str | Response:
        """Either word with the token of the contract, or one of a real API key's shape that begins with `sandbox`."""
        scheme, _, token = call.header("Authorization").partition(" ")
        known = token in TOKENS or (
            token.startswith("sandbox") and token.count(".") == 2 and 22 <= token.index(".") <= 24
        )
        return token if scheme.lower() in ("apikey", "oauth") and known else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        """`request_id`, `code`, `message`."""
        code, text = CODES.get(status, ("INTERNAL_ERROR", f"Error {status}"))
        return self.refuse(status, code, message or text)

    def refuse(self, status: int, code: str, message: str, payload: object = None) -> Response:
        """An error with a code of its own."""
        body = {"request_id": secrets.token_hex(16), "code": code, "message": message}
        return json_response(body if payload is None else {**body, "payload": payload}, status)

    def job_not_found(self) -> Response:
        """404 in the documented words."""
        return self.error_response(404, "Operation does not exist")

    def clear(self) -> None:
        """Projects, pools and trainings as they are at the start."""
        self._projects, self._things = make_projects(), make_pools()
        self._under_way: list[Job] = []

    def snapshot(self) -> dict[str, Any]:
        """The states of projects and pools."""
        self._settle()
        return {
            "projects": {project.id: project.status for project in self._projects.values()},
            "things": {thing.id: thing.status for thing in self._things.values()},
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """The states, then whatever is still under way."""
        self.clear()
        for number, status in kept["projects"].items():
            if number in self._projects:
                self._projects[number].status = status
        for number, status in kept["things"].items():
            if number in self._things:
                self._things[number].status = status
        self._under_way = list(self.state.jobs.of_provider(self.slug))

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every project with something to say about."""
        return ((project.id, project.about) for project in self._projects.values() if project.about)

    def counts_as_export(self, kind: str) -> bool:
        """Only the archiving of a project is an export."""
        return kind == ARCHIVE

    def by_pool(self, call: Request) -> ProjectAndJob:
        """The project of the pool or training in the path."""
        thing = self._things.get(call.path_parameters["thing"])
        return (thing.project if thing else None), None

    def by_query(self, call: Request) -> ProjectAndJob:
        """The project in the query."""
        return call.query.get("project_id"), None

    def _settle(self) -> None:
        """Let operations that ended meanwhile have had their effect."""
        now, open_ones = time.time(), []
        for job in self._under_way:
            if job.progress(now) < 1 or job.ending == "endless":
                open_ones.append(job)
                continue
            if job.ending == "job_fails":
                continue
            if job.kind == ARCHIVE:
                self._projects[job.project].status = "ARCHIVED"
            else:
                self._things[job.options["thing"]].status = "CLOSED" if job.kind.endswith("CLOSE") else "ARCHIVED"
        if len(open_ones) != len(self._under_way):
            self._under_way = open_ones
            self.state.mark_changed()

    def requester(self, _: Request) -> Response:
        """Who the token belongs to."""
        company = {"id": "1", "superintendent_id": "stand-in-requester"}
        name = {"EN": "Stand-in requester", "RU": "Stand-in requester"}
        return json_response({"id": "stand-in-requester", "balance": 120.3, "public_name": name, "company": company})

    def projects(self, call: Request) -> Response:
        """A page of projects."""
        self._settle()
        return json_response(list_page(map(project_json, self._projects.values()), call, ("status",)))

    def project(self, call: Request) -> Response:
        """One project."""
        self._settle()
        project = self._projects.get(call.path_parameters["project"])
        if project is None:
            return self.error_response(404, "Project does not exist")
        shown = project_json(project)
        return json_response({**shown, "id": "999999"} if call.shows_fault("other_project") else shown)

    def archive(self, call: Request) -> Response:
        """Starts the archiving of a project whose pools all are archived.

        What the real service answers for a project that is archived already is not documented. Most projects here let
        it succeed again, because nothing un-archives a project and trials are repeated; strict ones refuse it.
        """
        self._settle()
        project = self._projects.get(call.path_parameters["project"])
        if project is None:
            return self.error_response(404, "Project does not exist")
        if project.habit == "no_content":
            return Response(204)
        if project.habit == "strict" and project.status == "ARCHIVED":
            payload = {"appropriate_statuses": ["ACTIVE"]}
            return self.refuse(409, "PROJECT_INAPPROPRIATE_STATUS", "Project is archived already", payload)
        left = [thing.id for thing in self._of(project.id) if thing.status != "ARCHIVED" and not thing.training]
        if left:
            payload = {"pool_ids": left}
            return self.refuse(409, "UNARCHIVED_POOLS_CONFLICT", "The project has pools that are not archived", payload)
        job = self._start(call, project.id, ARCHIVE, {}, share=0.0 if project.habit == "at_once" else 1.0)
        if project.habit == "fails" and not job.ending:
            job.ending = "job_fails"
        return json_response(self._shown(job, call), 202)

    def _of(self, project: str) -> list[Pool]:
        return [thing for thing in self._things.values() if thing.project == project]

    def _start(self, call: Request, project: str, kind: str, options: dict[str, Any], share: float) -> Job:
        # Ids of old operations are 24 hexadecimal digits that begin with the time: a later one is greater.
        number = f"{int(time.time()):08x}e4b0bf{self.state.jobs.next_number():010x}"
        job = self.make_job(call, project, kind, "none", options, number, share)
        self._under_way.append(job)
        return job

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        look = self.view_job(job, call)
        running = "RUNNING" if look.progress > PENDING_SHARE else "PENDING"
        status = look.word or {"": running, "done": "SUCCESS"}.get(look.end, "FAIL")
        project = "999999" if look.other else job.project
        shown: dict[str, Any] = {
            "id": job.id,
            "type": job.kind,
            "status": status,
            "submitted": format_time(job.made_at),
        }
        if look.progress > PENDING_SHARE:
            shown["started"] = format_time(job.made_at + job.seconds * PENDING_SHARE)
        if look.end:
            shown["finished"] = format_time(job.ends_at)
        shown["progress"] = 100 if look.end else int(look.progress * 100)
        name = {"POOL": "pool_id", "TRAINING": "training_id"}.get(job.kind.partition(".")[0])
        shown["parameters"] = {name: job.options["thing"]} if name else {"project_id": project}
        if status == "FAIL":
            shown["details"] = {"stand-in": True, "reason": "Could not archive", "failed_at_step": 3}
        return shown

    def operation(self, call: Request) -> Response:
        """An operation as it is now."""
        self._settle()
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def operations(self, call: Request) -> Response:
        """A page of operations; there is no filter by project."""
        shown = (self._shown(job, call) for job in self.state.jobs.of_provider(self.slug))
        return json_response(list_page(shown, call, ("type", "status")))

    def log(self, call: Request) -> Response:
        """Operations of these kinds keep no log."""
        job = self.by_job(call)[1]
        return json_response([]) if job else self.job_not_found()

    def list_pools(self, call: Request) -> Response:
        """A page of pools or of trainings; main pools and trainings are separate lists."""
        self._settle()
        training = call.path.endswith("trainings")
        shown = (pool_json(thing) for thing in self._things.values() if thing.training == training)
        return json_response(list_page(shown, call, ("project_id", "status")))

    def _thing(self, call: Request) -> Pool | Response:
        self._settle()
        thing = self._things.get(call.path_parameters["thing"])
        right = thing is not None and thing.training == ("/trainings/" in call.path)
        return thing if thing is not None and right else self.error_response(404, "Pool does not exist")

    def get_pool(self, call: Request) -> Response:
        """One pool or training."""
        thing = self._thing(call)
        return thing if isinstance(thing, Response) else json_response(pool_json(thing))

    def close(self, call: Request) -> Response:
        """Closes an open pool; 204 when there is nothing to close."""
        thing = self._thing(call)
        if isinstance(thing, Response):
            return thing
        if thing.status == "LOCKED":
            return self.refuse(409, "POOL_LOCKED_BY_ANOTHER_OPERATION", "Pool is locked by another operation")
        return Response(204) if thing.status != "OPEN" else self._side(call, thing, "CLOSE")

    def archive_pool(self, call: Request) -> Response:
        """Archives a closed pool or training; 204 when it is archived already."""
        thing = self._thing(call)
        if isinstance(thing, Response):
            return thing
        if thing.status == "ARCHIVED":
            return Response(204)
        if thing.refuses:
            return self.refuse(409, thing.refuses, "This pool cannot be archived now", {"pool_id": thing.id})
        if thing.status != "CLOSED":
            payload = {"appropriate_statuses": ["CLOSED"]}
            return self.refuse(409, "POOL_INAPPROPRIATE_STATUS", "Only closed pools can be archived", payload)
        if thing.training and any(
            other.status != "ARCHIVED" for other in self._of(thing.project) if not other.training
        ):
            return self.refuse(409, "TRAINING_ARCHIVE_CONFLICT", "Archive the linked pools first")
        return self._side(call, thing, "ARCHIVE")

    def _side(self, call: Request, thing: Pool, verb: str) -> Response:
        kind = f"{'TRAINING' if thing.training else 'POOL'}.{verb}"
        return json_response(
            self._shown(self._start(call, thing.project, kind, {"thing": thing.id}, SIDE_SHARE), call), 202
        )

    def file_name(self, job: Job) -> str:
        """There are no files here."""
        raise NotImplementedError

    def content(self, job: Job, version: int) -> Blob:
        """There are no files here."""
        raise NotImplementedError
