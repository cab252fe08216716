"""A small client of the stand-in for Ulule."""

import base64
from typing import Any

import requests

from tests.sandbox.provider_clients import Client, JobStatus


class StandInClient(Client):
    provider = "ulule"
    job_path = "/v1/exports/"
    probe_path = "/v1/me"
    authorizations = (
        "APIKey sandbox-key",
        "ApiKey someone:sandbox-key",
        "Apikey someone@example.com:sandbox-key",
        "Basic " + base64.b64encode(b"apikey:sandbox-key").decode(),
    )
    words = ("waiting", "processing", "succeeded")

    def sign_in(self) -> None:
        self.http.headers["Authorization"] = "APIKey sandbox-key"

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        wanted = {"format": "csv", "type": "orders"} | options
        return self.call("POST", f"/v1/projects/{project}/exports", json=wanted)

    def read_status(self, body: Any) -> JobStatus:
        over = body["status"] not in ("waiting", "processing")
        return JobStatus(body["status"], over, body["url"], body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert set(body[0]) == {"classification", "fieldNames", "message"}

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        is_page = "html" in answer.headers["Content-Type"]
        assert is_page if answer.status_code >= 500 else isinstance(answer.json(), list)
