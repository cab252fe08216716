"""A small client of the stand-in for PlayCanvas."""

from typing import Any

import requests

from tests.sandbox.provider_clients import Client, JobStatus


class StandInClient(Client):
    provider = "playcanvas"
    job_path = "/api/jobs/"
    probe_path = "/api/ratelimits"
    authorizations = ("Bearer sandbox-token",)
    words = ("running", "running", "complete")

    def sign_in(self) -> None:
        self.http.headers["Authorization"] = "Bearer sandbox-token"

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        return self.call("POST", f"/api/projects/{project}/export", json=options)

    def read_status(self, body: Any) -> JobStatus:
        link = body["data"].get("url") or body["data"].get("download_url")
        return JobStatus(body["status"], body["status"] in ("complete", "error"), link, body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert body == {"error": "Unauthorized"}

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        assert set(answer.json()) == {"error"}
