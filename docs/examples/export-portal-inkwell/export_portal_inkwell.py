"""Inkwell: the notes of a notebook. Inkwell is invented; a real package says here which documents it follows."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from exports.providers import contract, parsing
from exports.providers.contract import Accepted, CheckStep, Job, Kind, SecretField, Status
from exports.transport.client import Client
from exports.transport.errors import UnreadableError


class Inkwell(contract.Provider):
    # The version of the portal's provider contract that this file was written for.
    contract_version = 1
    slug = "inkwell"
    label = "Inkwell"
    docs = "https://inkwell.example/docs"
    origins: ClassVar[Mapping[str, str]] = {"production": "https://api.inkwell.example"}
    secrets = (SecretField("token", "API token", "From Inkwell's settings."),)
    # Asking again is harmless: Inkwell answers with the export that runs already.
    kinds = (Kind("notes", "Notes", ("csv",), contract.NoOptions, timedelta(hours=1), asks_again=True),)
    status_map: ClassVar[Mapping[str, contract.JobState]] = {"writing": "running", "dry": "done", "spilled": "failed"}
    project_help = "The notebook's name in its address."

    def headers(self, client: Client) -> dict[str, str]:
        return {"Authorization": f"Bearer {client.secrets['token']}"}

    def submit(self, client: Client, job: Job) -> Accepted:
        """POST /notebooks/NAME/export."""
        path = f"/notebooks/{parsing.path_segment(job.project, self.label)}/export"
        row = self._own(client.post(path, {}, creates=True).body, job)
        return Accepted(parsing.remote_id(row["id"]), self._status(row))

    def poll(self, client: Client, job: Job) -> Status:
        """GET /exports/ID."""
        answer = client.get(f"/exports/{parsing.job_segment(job.remote_id, self.label)}")
        return self._status(self._own(answer.body, job))

    def check(self, client: Client) -> Sequence[CheckStep]:
        """GET /me."""
        return parsing.run_check_steps(
            ("See whose it is", lambda: parsing.text(parsing.mapping(client.get("/me").body).get("name")))
        )

    def _own(self, body: object, job: Job) -> Mapping[str, Any]:
        row = parsing.mapping(body)
        if not parsing.check_id(row.get("notebook"), job.project) or not parsing.remote_id(row.get("id")):
            raise UnreadableError("Inkwell answered without an export of this notebook.")
        if job.remote_id:
            parsing.check_id(row["id"], job.remote_id, "job")
        return row

    def _status(self, row: Mapping[str, Any]) -> Status:
        word = parsing.text(row.get("ink"))
        state = self.map_status(word)
        link = parsing.first_text(row, "file") if state == "done" else ""
        return Status(state, word, link=link, message="Inkwell spilled the export." if state == "failed" else "")
