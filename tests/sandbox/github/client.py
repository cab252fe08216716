"""A small client of the stand-in for GitHub, whose projects are owners and whose archive is behind a redirect."""

from typing import Any

import requests

from tests.sandbox.provider_clients import Client, JobStatus


class StandInClient(Client):
    provider = "github"
    job_path = "/orgs/acme/migrations/"
    probe_path = "/user"
    authorizations = ("Bearer sandbox-token", "token sandbox-token", "Bearer sandbox-fine-grained")
    words = ("pending", "exporting", "exported")

    def sign_in(self) -> None:
        self.http.headers["Authorization"] = "Bearer sandbox-token"

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        self.job_path = f"/{project}/migrations/"
        return self.call("POST", f"/{project}/migrations", json={"repositories": ["website"], **options})

    def read_status(self, body: Any) -> JobStatus:
        path = f"{self.job_path}{body['id']}/archive"
        is_done = body["state"] == "exported"
        archive = self.call("GET", path, allow_redirects=False) if is_done else None
        link = archive.headers.get("Location") if archive is not None else None
        return JobStatus(body["state"], body["state"] in ("exported", "failed"), link, body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert body["message"] == "Bad credentials"

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        assert {"message", "documentation_url", "status"} <= set(answer.json())
