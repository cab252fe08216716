"""Small clients of the stand-ins, which each one's folder has. They share no code with the portal's, on purpose."""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import requests

from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox

TIMEOUT_SECONDS = 30.0
FOLDER = Path(__file__).parent
# Of the stand-ins that have a client.
HEALTHY_PROJECTS = {
    slug: stand_in.project_id for slug, stand_in in DECLARATIONS.items() if (FOLDER / slug / "client.py").exists()
}


@dataclass
class JobStatus:
    """What an answer about a job says: the status word, whether the job has ended, the file's link."""

    word: str
    ended: bool
    link: str | None
    raw: Any


class Client(ABC):
    """One provider's API, with one credential."""

    provider: str
    # What the id of a job is added to.
    job_path: str
    # A path that needs a credential, and values of the header that are let in (none where a token is issued first).
    probe_path: str
    authorizations: tuple[str, ...] = ()
    # The status word at the beginning, in the middle and at the end of a job.
    words: tuple[str, str, str]

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.origin = sandbox, sandbox.origin(self.provider)
        self.http = requests.Session()
        self.http.trust_env = False
        self.sign_in()

    @abstractmethod
    def sign_in(self) -> None:
        """Sets the header that authorises."""

    @abstractmethod
    def submit_to(self, project: str, **options: Any) -> requests.Response:
        """Asks for an export of this project."""

    @abstractmethod
    def read_status(self, body: Any) -> JobStatus:
        """What an answer about a job says."""

    @staticmethod
    @abstractmethod
    def check_refusal(body: Any) -> None:
        """Fails if this is not how a wrong credential is refused."""

    @staticmethod
    @abstractmethod
    def check_error(answer: requests.Response) -> None:
        """Fails if this is not the form of the provider's errors."""

    def read_id(self, body: Any) -> str:
        """The id by which the job is polled, from the answer to the request for it."""
        return str(body["id"])

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.http.request(method, self.origin + path, timeout=TIMEOUT_SECONDS, **more)

    def submit(self, project: str = "", **options: Any) -> requests.Response:
        return self.submit_to(project or HEALTHY_PROJECTS[self.provider], **options)

    def start(self, project: str = "", **options: Any) -> str:
        """Submits; returns the id by which the job is polled."""
        answer = self.submit(project, **options)
        assert answer.ok, answer.text
        return self.read_id(answer.json())

    def poll(self, job: str) -> requests.Response:
        return self.call("GET", self.job_path + job)

    def job_status(self, job: str) -> JobStatus:
        answer = self.poll(job)
        assert answer.ok, answer.text
        return self.read_status(answer.json())

    def wait(self, job: str) -> JobStatus:
        """Polls until the job has ended; AssertionError after TIMEOUT_SECONDS."""
        end = time.monotonic() + TIMEOUT_SECONDS
        while time.monotonic() < end:
            seen = self.job_status(job)
            if seen.ended:
                return seen
            time.sleep(0.02)
        raise AssertionError(f"{self.provider} {job} did not end")

    def link(self, project: str = "", **options: Any) -> str:
        """The link of a new, finished export."""
        link = self.wait(self.start(project, **options)).link
        assert link
        return link


def client_class(provider: str) -> type[Client]:
    """The client of this stand-in, from its folder."""
    found: type[Client] = import_module(f"tests.sandbox.{provider}.client").StandInClient
    return found


def connect(sandbox: Sandbox, provider: str) -> Client:
    """A client that is signed in."""
    return client_class(provider)(sandbox)


def with_client() -> list[str]:
    """The stand-ins that have a client."""
    return list(HEALTHY_PROJECTS)


def can_show(on: str, fault: str) -> list[str]:
    """The stand-ins with a client whose answers can show this fault."""
    return [slug for slug in with_client() if (on, fault) not in DECLARATIONS[slug].faults_without_field]


def with_links() -> list[str]:
    """The stand-ins with a client that have files, and links to them that need no credential."""
    declared = {slug: DECLARATIONS[slug] for slug in with_client()}
    return [slug for slug, one in declared.items() if one.content_types and not one.authorised_downloads]


def download(link: str, **headers: str) -> requests.Response:
    """Downloads a file without any credential."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(
        link, headers={"Accept-Encoding": "identity", **names}, timeout=TIMEOUT_SECONDS, allow_redirects=False
    )


def set_progress(sandbox: Sandbox, provider: str, project: str, share: float) -> None:
    """Moves the project's newest job to this part of its duration, so that no test depends on the machine's speed."""
    with sandbox.state.lock:
        job = sandbox.state.jobs.of_project(provider, project)[-1]
        job.made_at = time.time() - job.seconds * share


def slow_down_jobs(sandbox: Sandbox) -> None:
    """Makes jobs take longer than any test from now on."""
    sandbox.settings(time_scale=100)
