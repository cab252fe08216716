"""The stand-in for Toloka: operations move projects to the archive; there are no files."""

import secrets
import time
from collections.abc import Iterator
from typing import Any

from exports.sandbox.jobs import Job
from exports.sandbox.provider_base import ProjectAndJob, Service
from exports.sandbox.request_parsing import Request, Response, json_response
from exports.sandbox.services.toloka_fixtures import (
    CODES,
    DECLARATION,
    Pool,
    list_page,
    make_assignments,
    make_pools,
    make_projects,
    operation_json,
    pool_json,
    project_json,
)

ARCHIVE = "PROJECT.ARCHIVE"
# The duration of side operations, as a part of that of archiving a project.
SIDE_SHARE = 0.1


class Toloka(Service):
    """Routes below `/api/v1`."""

    declaration = DECLARATION

    def build_routes(self) -> None:
        """All routes, and the projects in their initial state."""
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
            add("GET", f"/api/v1/{kind}/{{pool}}", "list", self.get_pool, self.by_pool)
            add("POST", f"/api/v1/{kind}/{{pool}}/close", "side", self.close, self.by_pool)
            add("POST", f"/api/v1/{kind}/{{pool}}/archive", "side", self.archive_pool, self.by_pool)
        add("GET", "/api/v1/assignments", "list", self.assignments)
        add("GET", "/api/v1/attachments", "list", lambda _: json_response({"items": [], "has_more": False}))

    def authenticate(self, call: Request) -> str | Response:
        """`ApiKey` or `OAuth` with an accepted token, or with one in a real key's format that starts with `sandbox`."""
        scheme, _, token = call.header("Authorization").partition(" ")
        known = self.accepts("token", token) or (
            token.startswith("sandbox") and token.count(".") == 2 and 22 <= token.index(".") <= 24
        )
        return token if scheme.lower() in ("apikey", "oauth") and known else self.error_response(401)

    def error_response(self, status: int, message: str = "") -> Response:
        """An error with `request_id`, `code` and `message`."""
        code, text = CODES.get(status, ("INTERNAL_ERROR", f"Error {status}"))
        return self.refuse(status, code, message or text)

    def refuse(self, status: int, code: str, message: str, payload: object = None) -> Response:
        """An error with this code."""
        body = {"request_id": secrets.token_hex(16), "code": code, "message": message}
        return json_response(body if payload is None else {**body, "payload": payload}, status)

    def job_not_found(self) -> Response:
        """404 in the documented words."""
        return self.error_response(404, "Operation does not exist")

    def clear(self) -> None:
        """Projects, pools and trainings in their initial state."""
        self._projects, self._pools = make_projects(), make_pools()
        self._under_way: list[Job] = []

    def snapshot(self) -> dict[str, Any]:
        """The states of projects and pools."""
        self._settle()
        return {
            "projects": {project.id: project.status for project in self._projects.values()},
            "things": {pool.id: pool.status for pool in self._pools.values()},
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over the states of a snapshot, and the operations that still run."""
        self.clear()
        for number, status in snapshot["projects"].items():
            if number in self._projects:
                self._projects[number].status = status
        for number, status in snapshot["things"].items():
            if number in self._pools:
                self._pools[number].status = status
        self._under_way = list(self.state.jobs.of_provider(self.slug))

    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Every project with something to say about."""
        return ((project.id, project.about) for project in self._projects.values() if project.about)

    def counts_as_export(self, kind: str) -> bool:
        """Only the archiving of a project is an export."""
        return kind == ARCHIVE

    def by_pool(self, call: Request) -> ProjectAndJob:
        """The project of the pool or training in the path."""
        pool = self._pools.get(call.path_parameters["pool"])
        return (pool.project if pool else None), None

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
                self._pools[job.options["thing"]].status = "CLOSED" if job.kind.endswith("CLOSE") else "ARCHIVED"
        if len(open_ones) != len(self._under_way):
            self._under_way = open_ones
            self.state.mark_changed()

    def requester(self, _: Request) -> Response:
        """The owner of the token."""
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

        The service's answer for a project that is archived already is not documented. Most projects here accept it
        again, because a project cannot be restored and trials are repeated; strict ones refuse it.
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
        left = [pool.id for pool in self._pools_of(project.id) if pool.status != "ARCHIVED" and not pool.training]
        if left:
            payload = {"pool_ids": left}
            return self.refuse(409, "UNARCHIVED_POOLS_CONFLICT", "The project has pools that are not archived", payload)
        job = self._start(call, project.id, ARCHIVE, {}, share=0.0 if project.habit == "at_once" else 1.0)
        if project.habit == "fails" and not job.ending:
            job.ending = "job_fails"
        return json_response(self._shown(job, call), 202)

    def _pools_of(self, project: str) -> list[Pool]:
        return [pool for pool in self._pools.values() if pool.project == project]

    def _start(self, call: Request, project: str, kind: str, options: dict[str, Any], share: float) -> Job:
        # Ids of old operations are 24 hexadecimal digits that begin with the time: a later one is greater.
        number = f"{int(time.time()):08x}e4b0bf{self.state.jobs.next_number():010x}"
        job = self.make_job(call, project, kind, "none", options, number, share)
        self._under_way.append(job)
        return job

    def _shown(self, job: Job, call: Request) -> dict[str, Any]:
        return operation_json(job, self.view_job(job, call))

    def operation(self, call: Request) -> Response:
        """An operation as it is now."""
        self._settle()
        return json_response(self._shown(call.job, call)) if call.job else self.job_not_found()

    def operations(self, call: Request) -> Response:
        """A page of operations; there is no filter by project."""
        shown = (self._shown(job, call) for job in self.listed(self.state.jobs.of_provider(self.slug), call))
        return json_response(list_page(shown, call, ("type", "status")))

    def log(self, call: Request) -> Response:
        """An empty log: operations of these kinds have none."""
        job = self.by_job(call)[1]
        return json_response([]) if job else self.job_not_found()

    def list_pools(self, call: Request) -> Response:
        """A page of pools or of trainings, which are separate lists."""
        self._settle()
        training = call.path.endswith("trainings")
        shown = (pool_json(pool) for pool in self._pools.values() if pool.training == training)
        return json_response(list_page(shown, call, ("project_id", "status")))

    def assignments(self, call: Request) -> Response:
        """A page of workers' answers."""
        return json_response(list_page(make_assignments(), call, ("pool_id", "status")))

    def _requested_pool(self, call: Request) -> Pool | Response:
        self._settle()
        pool = self._pools.get(call.path_parameters["pool"])
        right = pool is not None and pool.training == ("/trainings/" in call.path)
        return pool if pool is not None and right else self.error_response(404, "Pool does not exist")

    def get_pool(self, call: Request) -> Response:
        """One pool or training."""
        pool = self._requested_pool(call)
        return pool if isinstance(pool, Response) else json_response(pool_json(pool))

    def close(self, call: Request) -> Response:
        """Closes an open pool; 204 when there is nothing to close."""
        pool = self._requested_pool(call)
        if isinstance(pool, Response):
            return pool
        if pool.status == "LOCKED":
            return self.refuse(409, "POOL_LOCKED_BY_ANOTHER_OPERATION", "Pool is locked by another operation")
        return Response(204) if pool.status != "OPEN" else self._side(call, pool, "CLOSE")

    def archive_pool(self, call: Request) -> Response:
        """Archives a closed pool or training; 204 when it is archived already."""
        pool = self._requested_pool(call)
        if isinstance(pool, Response):
            return pool
        if pool.status == "ARCHIVED":
            return Response(204)
        if pool.refuses:
            return self.refuse(409, pool.refuses, "This pool cannot be archived now", {"pool_id": pool.id})
        if pool.status != "CLOSED":
            payload = {"appropriate_statuses": ["CLOSED"]}
            return self.refuse(409, "POOL_INAPPROPRIATE_STATUS", "Only closed pools can be archived", payload)
        if pool.training and any(
            other.status != "ARCHIVED" for other in self._pools_of(pool.project) if not other.training
        ):
            return self.refuse(409, "TRAINING_ARCHIVE_CONFLICT", "Archive the linked pools first")
        return self._side(call, pool, "ARCHIVE")

    def _side(self, call: Request, pool: Pool, verb: str) -> Response:
        kind = f"{'TRAINING' if pool.training else 'POOL'}.{verb}"
        return json_response(
            self._shown(self._start(call, pool.project, kind, {"thing": pool.id}, SIDE_SHARE), call), 202
        )
