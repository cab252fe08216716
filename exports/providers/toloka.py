"""Toloka: moves a project to its archive, which changes it there and yields no file. Operations are polled by id.

Source: https://toloka.ai/docs/api/ (projects, pools, trainings: archive; operations; errors; limits).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from django import forms

from exports.providers import base, lists, read
from exports.providers.base import Accepted, BusyError, CredentialError, Job, RefusedError, Sight, UnreadableError
from exports.providers.fields import Switch
from exports.providers.http import Client, words_of

API: Final = "/api/v1"
SCHEMES: Final = (("ApiKey", "ApiKey"), ("OAuth", "OAuth"))
INTERVALS: Final = {"MIN": 60.0, "HOUR": 3600.0, "DAY": 86400.0}
UNPROVEN: Final = {"AUTHENTICATION_ERROR", "OAUTH_AUTHENTICATION_ERROR", "ACCESS_DENIED"}
MISSING: Final = {"DOES_NOT_EXIST", "NOT_FOUND"}
BROKEN: Final = {"INTERNAL_ERROR", "OPERATION_EXECUTION_ERROR", "REMOTE_SERVICE_UNAVAILABLE"}
# What a person must do first. The cure other clients know, accepting all answers, pays people: never done here.
FIRST: Final = {
    "UNARCHIVED_POOLS_CONFLICT": "Every pool of the project must be archived first.",
    "PROJECT_INAPPROPRIATE_STATUS": "The project's status does not allow it.",
    "POOL_INAPPROPRIATE_STATUS": "Only a closed pool can be archived.",
    "INAPPROPRIATE_STATUS": "Its status does not allow it.",
    "CONFLICT_STATE": "Its state does not allow it.",
    "TRAINING_ARCHIVE_CONFLICT": "The pools that use the training must be archived first.",
    "SUBMITTED_ASSIGNMENTS_CONFLICT": "Answers wait for review: accept or reject them in Toloka first.",
    "THERE_IS_REJECTED_ASSIGNMENT": "After rejected answers, Toloka archives a pool 9 days after the last rejection.",
    "THERE_IS_ACTIVE_ASSIGNMENT": "Somebody works on its tasks: wait until they are done.",
}
ALREADY: Final = Accepted("", Sight("done", "ARCHIVED", 100.0, note="It was already archived."))


class ArchiveOptions(forms.Form):
    """The portal's own option; Toloka's call has none."""

    archive_pools = Switch(
        label="Archive closed pools first",
        initial=False,
        unset="No",
        help_text="Also closed trainings. Archiving cannot be undone. An open pool is never closed by the portal.",
    )


class Toloka(base.Provider):
    slug = "toloka"
    label = "Toloka"
    docs = "https://toloka.ai/docs/api/"
    origins: ClassVar = {"production": "https://toloka.dev", "sandbox": "https://sandbox.toloka.dev"}
    origin_notes: ClassVar = {"sandbox": "Toloka's sandbox is unavailable since 1 July 2024."}
    secrets = (
        base.Secret("token", "API key or OAuth token", "From Profile → External services integration."),
        base.Secret("scheme", "Kind of token", "Empty: told by its shape.", False, SCHEMES, plain=True),
    )
    kinds = (
        base.Kind(
            type="archive",
            label="Move to the archive",
            formats=("none",),
            options=ArchiveOptions,
            deadline=timedelta(hours=1),
            cost="Changes the project at Toloka; Toloka has no way back. No file comes of it.",
            pace=base.Pace(first=1.0, growth=1.5, most=30.0),
            effect="changes",
        ),
    )
    words: ClassVar = {"pending": "running", "running": "running", "success": "done", "fail": "failed"}
    limits: ClassVar = {"normal": (300, 1.0)}
    project_help = "The project's number."
    lists_projects = True

    def clean_secrets(self, secrets: Mapping[str, str]) -> dict[str, list[str]]:
        return super().clean_secrets({**secrets, "token": _split(secrets.get("token", ""))[1]})

    def headers(self, client: Client) -> dict[str, str]:
        """By shape as Toloka's own clients tell them apart: an API key has two dots, the first at 22 to 24."""
        said, token = _split(client.secrets["token"])
        key = token.count(".") == 2 and 22 <= token.index(".") <= 24
        return {"Authorization": f"{client.secrets.get('scheme') or said or ('ApiKey' if key else 'OAuth')} {token}"}

    def fault(self, status: int, body: object) -> base.ProviderError | None:
        """By `code`: one status has several, and the documents do not say the status of each (errors)."""
        error = read.table(body)
        code = read.text(error.get("code"))
        if status < 400 or not code or status in (408, 423, 425):
            return None
        said = " ".join(filter(None, [f"Toloka answered {status} {code}: {words_of(body)}", FIRST.get(code)]))
        if request := read.text(error.get("request_id")):
            said += f" (Toloka's support asks for request {request}.)"
        if status == 429 or code == "TOO_MANY_REQUESTS":
            seconds = INTERVALS.get(read.text(read.table(error.get("payload")).get("interval")), 60.0)
            return BusyError(said, seconds=seconds, pause=True, word=code)
        if code == "POOL_LOCKED_BY_ANOTHER_OPERATION":
            return BusyError(said, seconds=15, word=code)
        if code in UNPROVEN or status in (401, 403):
            return CredentialError(said, word=code)
        if code in MISSING or status in (404, 410):
            return base.NotFoundError(said, word=code)
        if code in BROKEN or status >= 500:
            return base.UnclearError(said, word=code)
        return RefusedError(said, code="precondition" if code in FIRST or status == 409 else "", word=code)
