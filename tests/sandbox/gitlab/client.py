"""A small client of the stand-in for GitLab, which has no jobs, only the state of a project's export."""

from typing import Any

import requests

from tests.sandbox.provider_clients import Client, JobStatus


class StandInClient(Client):
    provider = "gitlab"
    job_path = "/api/v4/projects/"
    probe_path = "/api/v4/user"
    authorizations = ("Bearer sandbox-token",)
    words = ("none", "started", "finished")

    def sign_in(self) -> None:
        self.http.headers["Authorization"] = "Bearer sandbox-token"

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        self.last_project = project
        return self.call("POST", f"/api/v4/projects/{project}/export")

    def read_id(self, body: Any) -> str:
        return self.last_project

    def poll(self, job: str) -> requests.Response:
        return self.call("GET", f"{self.job_path}{job}/export")

    def read_status(self, body: Any) -> JobStatus:
        word = body["export_status"]
        return JobStatus(word, word in ("finished", "failed"), body.get("_links", {}).get("api_url"), body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert body == {"message": "401 Unauthorized"}

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        assert set(answer.json()) == {"message"}
