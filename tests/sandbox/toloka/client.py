"""A small client of the stand-in for Toloka."""

from typing import Any

import requests

from tests.sandbox.provider_clients import Client, JobStatus


class StandInClient(Client):
    provider = "toloka"
    job_path = "/api/v1/operations/"
    probe_path = "/api/v1/requester"
    authorizations = ("ApiKey sandbox-token", "OAuth sandbox-token", "ApiKey sandboxabcdefghijklmnop.abc.def")
    words = ("PENDING", "RUNNING", "SUCCESS")

    def sign_in(self) -> None:
        self.http.headers["Authorization"] = "ApiKey sandbox-token"

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        return self.call("POST", f"/api/v1/projects/{project}/archive")

    def read_status(self, body: Any) -> JobStatus:
        return JobStatus(body["status"], body["status"] in ("SUCCESS", "FAIL"), None, body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert body["code"] == "AUTHENTICATION_ERROR"
        assert body["request_id"]

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        assert set(answer.json()) == {"request_id", "code", "message"}
