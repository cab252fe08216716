"""Small clients of the stand-ins, one per provider. They share no code with the portal's, on purpose."""

import time
from dataclasses import dataclass
from typing import Any

import requests

from exports.sandbox.server import Sandbox

TIMEOUT_SECONDS = 30.0
HEALTHY_PROJECTS = {"playcanvas": "100001", "aistudios": "65fa6b07dca2e367461a2925", "toloka": "10", "ulule": "4001"}


@dataclass
class JobStatus:
    """What an answer about a job says: the status word, whether the job has ended, the file's link."""

    word: str
    ended: bool
    link: str | None
    raw: Any


class Client:
    """One provider's API, with one credential."""

    def __init__(self, sandbox: Sandbox, provider: str) -> None:
        self.sandbox, self.provider, self.origin = sandbox, provider, sandbox.origin(provider)
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Authorization"] = {
            "playcanvas": "Bearer sandbox-token",
            "toloka": "ApiKey sandbox-token",
            "ulule": "APIKey sandbox-key",
        }.get(provider, "")
        if provider == "aistudios":
            self.sign_in()

    def sign_in(self) -> None:
        secrets = {"appId": "sandbox-app", "userKey": "sandbox-key"}
        token = requests.post(f"{self.origin}/api/odin/v3/auth/token", json=secrets, timeout=TIMEOUT_SECONDS).json()[
            "data"
        ]["token"]
        self.http.headers["Authorization"] = token

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.http.request(method, self.origin + path, timeout=TIMEOUT_SECONDS, **more)

    def submit(self, project: str = "", **options: Any) -> requests.Response:
        project = project or HEALTHY_PROJECTS[self.provider]
        match self.provider:
            case "playcanvas":
                return self.call("POST", f"/api/projects/{project}/export", json=options)
            case "aistudios":
                return self.call("POST", "/api/odin/v3/editor/project/export", json={"projectId": project, **options})
            case "toloka":
                return self.call("POST", f"/api/v1/projects/{project}/archive")
            case _:
                return self.call(
                    "POST", f"/v1/projects/{project}/exports", json={"format": "csv", "type": "orders"} | options
                )

    def start(self, project: str = "", **options: Any) -> str:
        """Submits; returns the id by which the job is polled."""
        answer = self.submit(project, **options)
        assert answer.ok, answer.text
        body = answer.json()
        return str(body["data"]["projectId"] if self.provider == "aistudios" else body["id"])

    def poll(self, job: str) -> requests.Response:
        path = {
            "playcanvas": "/api/jobs/",
            "aistudios": "/api/odin/v3/editor/progress/",
            "toloka": "/api/v1/operations/",
            "ulule": "/v1/exports/",
        }[self.provider]
        return self.call("GET", path + job)

    def job_status(self, job: str) -> JobStatus:
        answer = self.poll(job)
        assert answer.ok, answer.text
        body = answer.json()
        match self.provider:
            case "playcanvas":
                data = body["data"]
                link = data.get("url") or data.get("download_url")
                return JobStatus(body["status"], body["status"] in ("complete", "error"), link, body)
            case "aistudios":
                data = body["data"]
                over = data["progress"] >= 100 or data["state"] in ("failed", "canceled")
                return JobStatus(data["state"], over, data.get("downloadUrl"), body)
            case "toloka":
                return JobStatus(body["status"], body["status"] in ("SUCCESS", "FAIL"), None, body)
            case _:
                over = body["status"] not in ("waiting", "processing")
                return JobStatus(body["status"], over, body["url"], body)

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
