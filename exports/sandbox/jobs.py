"""Jobs and the links to their files. A job's progress follows from the clock: nothing runs in the background."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

# Fields of Job by the names that state files of earlier versions have.
FORMER_FIELDS: Final = {"twist": "fault_details"}


@dataclass(slots=True)
class Link:
    """One address of a job's file, made at `made_at` (seconds since 1970); `generation` counts the job's addresses."""

    token: str
    provider: str
    job: str
    name: str
    generation: int
    dead: int = 0
    cuts: int = 0
    version: int = 0
    made_at: float = 0.0


@dataclass(slots=True)
class Job:
    """One job at a provider. `ending` names the fault that decides how it ends, `fault_details` holds its details.

    `made_at` is in seconds since 1970, `seconds` is the job's duration, `rule` the id of the fault's rule (0: none).
    """

    provider: str
    project: str
    id: str
    kind: str
    format: str
    options: dict[str, Any]
    made_at: float
    seconds: float
    file_bytes: int | None = None
    ending: str = ""
    fault_details: dict[str, Any] = field(default_factory=dict)
    rule: int = 0
    extra: dict[str, Any] = field(default_factory=dict)

    def progress(self, now: float) -> float:
        """The part that is done, 0 to 1."""
        return 1.0 if self.seconds <= 0 else min(1.0, max(0.0, (now - self.made_at) / self.seconds))

    @property
    def ends_at(self) -> float:
        """When it is done, in seconds since 1970."""
        return self.made_at + self.seconds

    def changed_at(self, now: float) -> float:
        """When it last changed, in seconds since 1970."""
        return min(now, self.ends_at)


@dataclass(frozen=True, slots=True)
class JobView:
    """What an answer is to say about a job.

    `progress` is the part that is done, 0 to 1; `end` is empty, `done`, `failed` or `canceled`; `link` is false for a
    job without a file; `word` is an unknown status word to use instead; `other` has the answer name another project.
    """

    progress: float
    end: str = ""
    link: bool = False
    word: str = ""
    other: bool = False


class Jobs:
    """All jobs and links. Callers hold the stand-in's lock."""

    def __init__(self) -> None:
        # Rises with every job and link.
        self.change_count = 0
        self.clear()
        # Ids start from the clock, so a restarted stand-in never assigns an id again.
        self._number = int((time.time() - 1_760_000_000) * 10) % 1_000_000_000

    def clear(self) -> None:
        """Forgets all jobs and links."""
        self._jobs: dict[tuple[str, str], Job] = {}
        self._by_project: dict[tuple[str, str], list[Job]] = {}
        self._links: dict[str, Link] = {}
        self._latest: dict[tuple[str, str], Link] = {}

    def next_number(self) -> int:
        """A whole number greater than all before."""
        self._number += 1
        return self._number

    def add(self, job: Job) -> None:
        """Stores a job."""
        self.change_count += 1
        self._jobs[job.provider, job.id] = job
        self._by_project.setdefault((job.provider, job.project), []).append(job)

    def add_unlisted(self, job: Job) -> None:
        """Stores a job so that its links work, without listing it among its project's jobs."""
        job.extra["unlisted"] = True
        self._jobs[job.provider, job.id] = job

    def get(self, provider: str, number: str) -> Job | None:
        """The job with this id, or None."""
        return self._jobs.get((provider, number))

    def of_project(self, provider: str, project: str) -> list[Job]:
        """A project's jobs, oldest first."""
        return self._by_project.get((provider, project), [])

    def of_provider(self, provider: str) -> Iterator[Job]:
        """A provider's jobs, oldest first."""
        return (job for job in self._jobs.values() if job.provider == provider)

    def find_link(self, token: str) -> Link | None:
        """The link with this secret, or None."""
        return self._links.get(token)

    def link(self, job: Job, name: str) -> Link:
        """The job's current link; a new one when there is none or the last one is dead."""
        key = (job.provider, job.id)
        last = self._latest.get(key)
        if last is not None and not last.dead:
            return last
        self.change_count += 1
        generation = last.generation + 1 if last else 1
        link = Link(secrets.token_urlsafe(24), job.provider, job.id, name, generation, made_at=time.time())
        self._links[link.token] = self._latest[key] = link
        return link

    def snapshot(self) -> dict[str, Any]:
        """All jobs and links, as JSON can carry them."""
        return {
            "number": self._number,
            "jobs": [asdict(job) for job in self._jobs.values()],
            "links": [asdict(link) for link in self._links.values()],
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Takes over a snapshot; KeyError or TypeError when it is none."""
        self.clear()
        self._number = max(self._number, int(snapshot["number"]))
        for entry in snapshot["jobs"]:
            job = Job(**{FORMER_FIELDS.get(name, name): value for name, value in entry.items()})
            if job.extra.get("unlisted"):
                self.add_unlisted(job)
            else:
                self.add(job)
        for entry in snapshot["links"]:
            link = Link(**entry)
            self._links[link.token] = self._latest[link.provider, link.job] = link
