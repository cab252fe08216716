"""The base of all stand-ins: routes, authentication, error answers, and how jobs are made and shown."""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from exports.sandbox.blob import Blob
from exports.sandbox.declaration import Declaration
from exports.sandbox.faults import JOB_ENDING_FAULTS
from exports.sandbox.jobs import Job, JobView, Link
from exports.sandbox.request_parsing import Request, Response

if TYPE_CHECKING:
    from exports.sandbox.state import SandboxState

# The project and the job that a request is about, for the faults and the ledger.
ProjectAndJob = tuple[str | None, Job | None]
UNKNOWN_WORD = "hibernating"
# How late a link, or a job in a list, comes where the fault does not say.
LATE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Route:
    """One route of a provider's API. `kind` is one of `faults.REQUEST_KINDS`, `limit` the route's rate-limit class."""

    method: str
    pattern: re.Pattern[str]
    kind: str
    handle: Callable[[Request], Response]
    find_subject: Callable[[Request], ProjectAndJob]
    limit: str = "all"
    public: bool = False


class Service(ABC):
    """One stand-in: its declaration, routes and answers. Its methods run under the stand-in's lock and never block."""

    declaration: ClassVar[Declaration]

    def __init__(self, state: "SandboxState") -> None:
        self.state = state
        self.accepted = self.declaration.accepted_secrets()
        self.routes: list[Route] = []
        self.build_routes()

    @property
    def slug(self) -> str:
        """Its name in addresses, rules and the ledger."""
        return self.declaration.slug

    @property
    def label(self) -> str:
        """Its name for people."""
        return self.declaration.label

    @abstractmethod
    def build_routes(self) -> None:
        """Fills `routes`."""

    @abstractmethod
    def authenticate(self, call: Request) -> str | Response:
        """The caller's name for the rate limits, or the answer that refuses the request."""

    @abstractmethod
    def error_response(self, status: int, message: str = "") -> Response:
        """The provider's own answer with an error status."""

    @abstractmethod
    def job_not_found(self) -> Response:
        """The provider's answer to a poll of an unknown job."""

    def content(self, job: Job, version: int) -> Blob:
        """The bytes of a finished job's file; another version has other bytes of the same size."""
        raise NotImplementedError(f"{self.label} has no files")

    def file_name(self, job: Job) -> str:
        """The last part of the address of a job's file."""
        raise NotImplementedError(f"{self.label} has no files")

    @abstractmethod
    def describe_projects(self) -> Iterator[tuple[str, str]]:
        """Id and description of every project, fault projects excepted, for the page that lists them."""

    def accepts(self, field: str, value: object) -> bool:
        """Whether this is an accepted value of a secret field, by its name in the declaration."""
        return isinstance(value, str) and value in self.accepted[field]

    def path_not_found(self) -> Response:
        """The answer on a path the provider does not have."""
        return self.error_response(404)

    def clear(self) -> None:  # noqa: B027 - most have nothing to do here
        """Forgets the provider's state, jobs excepted."""

    def expire_tokens(self) -> None:  # noqa: B027 - most have nothing to do here
        """Makes every access token issued so far invalid."""

    def snapshot(self) -> dict[str, Any]:
        """The provider's state without jobs, as JSON can carry it."""
        return {}

    def restore(self, snapshot: dict[str, Any]) -> None:  # noqa: B027 - most have nothing to do here
        """Takes over a snapshot."""

    def route(
        self,
        method: str,
        path: str,
        kind: str,
        handle: Callable[[Request], Response],
        subject: Callable[[Request], ProjectAndJob] | None = None,
        limit: str = "all",
        public: bool = False,
    ) -> None:
        """Adds a route; `path` names its variable parts as `{name}`."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path) + r"\Z")
        self.routes.append(Route(method, pattern, kind, handle, subject or self.by_project, limit, public))

    def find_route(self, call: Request) -> Route | None:
        """The route of a request, None without one; fills the request's `path_parameters`."""
        for route in self.routes:
            if route.method == call.method or (route.method == "GET" and call.method == "HEAD"):
                match = route.pattern.match(call.path)
                if match:
                    call.path_parameters = match.groupdict()
                    return route
        return None

    def by_project(self, call: Request) -> ProjectAndJob:
        """The project named in the path, if there is one."""
        return call.path_parameters.get("project"), None

    def by_job(self, call: Request) -> ProjectAndJob:
        """The job named in the path, and its project."""
        job = self.state.jobs.get(self.slug, call.path_parameters["job"])
        return (job.project if job else None), job

    def make_job(
        self,
        call: Request,
        project: str,
        kind: str,
        form: str,
        options: Mapping[str, Any],
        number: str = "",
        share: float = 1.0,
    ) -> Job:
        """Makes, stores and counts a job. `share` is its duration as a part of the usual one."""
        settings = self.state.settings
        job = Job(
            self.slug,
            project,
            number or str(self.state.jobs.next_number()),
            kind,
            form,
            dict(options),
            time.time(),
            settings.job_seconds * settings.time_scale * self.declaration.job_share * share,
            settings.file_bytes,
        )
        if call.rule and call.rule.fault in JOB_ENDING_FAULTS:
            self._bind(job, call)
        self.state.jobs.add(job)
        entry = {
            "provider": self.slug,
            "project": project,
            "id": job.id,
            "type": kind,
            "format": form,
            "options": job.options,
        }
        self.state.ledger.record_job(call, entry, counted=self.counts_as_export(kind))
        self.state.mark_changed()
        return job

    def counts_as_export(self, kind: str) -> bool:
        """Whether a job of this kind is an export and not a side job."""
        return True

    def _bind(self, job: Job, call: Request) -> None:
        assert call.rule is not None  # noqa: S101 - for the type checker
        job.ending, job.rule = call.rule.fault, call.rule.id
        job.fault_details = {"word": call.rule.word, "body": call.rule.body, "seconds": call.rule.seconds}
        self.state.mark_changed()

    def view_job(self, job: Job, call: Request) -> JobView:
        """What this answer is to say about the job, by the request's fault and the job's own ending."""
        now = time.time()
        share = job.progress(now)
        if call.rule and call.rule.fault in JOB_ENDING_FAULTS and not job.ending and call.rule.on in ("poll", "*"):
            self._bind(job, call)
        other = call.shows_fault("other_project")
        word = (call.rule.word or UNKNOWN_WORD) if call.rule and call.shows_fault("unknown_word") else ""
        if word:
            return JobView(min(share, 0.99), word=word, other=other)
        if call.shows_fault("progress_back"):
            return JobView(share if share == 1 else share / 3, "" if share < 1 else "done", share == 1, other=other)
        end, link = ("", False) if share < 1 else ("done", True)
        match job.ending:
            case "endless":
                self.record_fault_shown(job)
                share, end, link = min(share, 0.97), "", False
            case "job_fails" if end:
                share, end, link = 0.6, "failed", False
                self.record_fault_shown(job)
            case "canceled_by_staff" if share > 0.5:
                share, end, link = 0.5, "canceled", False
                self.record_fault_shown(job)
            case "no_file" if end and self.declaration.content_types:
                link = False
                self.record_fault_shown(job)
            case "late_link" if end and now < job.ends_at + (job.fault_details.get("seconds") or LATE_SECONDS):
                link = False
                self.record_fault_shown(job)
        return JobView(share, end, link, other=other)

    def listed(self, jobs: Iterable[Job], call: Request) -> list[Job]:
        """The jobs as a list shows them; a late list is without those of the last seconds."""
        if call.rule is None or not call.shows_fault("late_list"):
            return list(jobs)
        since = time.time() - (call.rule.seconds or LATE_SECONDS)
        return [job for job in jobs if job.made_at <= since]

    def record_fault_shown(self, job: Job) -> None:
        """Counts that a client was shown how the job's fault ends it; once per job."""
        if job.rule:
            self.state.faults.fired(job.rule)
            job.rule = 0

    def file_link(self, job: Job) -> Link:
        """The job's current link."""
        return self.state.jobs.link(job, self.file_name(job))

    def file_url(self, job: Job, call: Request) -> str:
        """The address of the job's file, under the origin the client used."""
        link = self.file_link(job)
        return f"{call.origin}/files/{link.token}/{link.name}"

    def storage_url(self, job: Job, call: Request) -> str:
        """The address of the job's file in a storage outside the API, where no credential must be sent."""
        link = self.file_link(job)
        return f"{call.origin.removesuffix(f'/{self.slug}')}/storage/{self.slug}/{link.token}/{link.name}"

    def download(self, call: Request) -> Response:
        """Handles a route of kind `file` that sends the file of its job itself."""
        return self.state.files.send(self, call) if call.job else self.job_not_found()

    def redirect_to_storage(self, call: Request) -> Response:
        """Handles a route of kind `file` that redirects to the file of its job in the storage."""
        return self.state.files.redirect(self, call) if call.job else self.job_not_found()
