"""A small client of the stand-in for AI Studios."""

from typing import Any

import requests

from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client, JobStatus


class StandInClient(Client):
    provider = "aistudios"
    job_path = "/api/odin/v3/editor/progress/"
    probe_path = "/api/odin/v3/dropdown/workspaces"
    words = ("exporting", "exporting", "exported")

    def sign_in(self) -> None:
        secrets = {"appId": "sandbox-app", "userKey": "sandbox-key"}
        answer = requests.post(f"{self.origin}/api/odin/v3/auth/token", json=secrets, timeout=TIMEOUT_SECONDS)
        self.http.headers["Authorization"] = answer.json()["data"]["token"]

    def submit_to(self, project: str, **options: Any) -> requests.Response:
        return self.call("POST", "/api/odin/v3/editor/project/export", json={"projectId": project, **options})

    def read_id(self, body: Any) -> str:
        return str(body["data"]["projectId"])

    def read_status(self, body: Any) -> JobStatus:
        data = body["data"]
        over = data["progress"] >= 100 or data["state"] in ("failed", "canceled")
        return JobStatus(data["state"], over, data.get("downloadUrl"), body)

    @staticmethod
    def check_refusal(body: Any) -> None:
        assert body["success"] is False
        assert set(body["error"]) == {"code", "msg"}

    @staticmethod
    def check_error(answer: requests.Response) -> None:
        assert set(answer.json()) == {"success", "error"}
