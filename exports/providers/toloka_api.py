"""What Toloka's API says and means: errors by code, projects, operations. The provider itself is toloka.py.

Source: https://toloka.ai/docs/api/ (errors, limits, operations, projects, requester).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exports.providers import base, errors, lists, read
from exports.providers.base import Accepted, Sight
from exports.providers.errors import BusyError, CredentialError, RefusedError, UnreadableError
from exports.providers.http import Client
from exports.providers.reply import words_of

API: Final = "/api/v1"
PAGE: Final = {"sort": "id", "limit": 300}  # 300 is the most a page may have.
WORDS: Final[Mapping[str, base.State]] = {
    "pending": "running",
    "running": "running",
    "success": "done",
    "fail": "failed",
}
INTERVALS: Final = {"MIN": 60.0, "HOUR": 3600.0, "DAY": 86400.0}
UNPROVEN: Final = {"AUTHENTICATION_ERROR", "OAUTH_AUTHENTICATION_ERROR", "ACCESS_DENIED"}
MISSING: Final = {"DOES_NOT_EXIST", "NOT_FOUND"}
BROKEN: Final = {"INTERNAL_ERROR", "OPERATION_EXECUTION_ERROR", "REMOTE_SERVICE_UNAVAILABLE"}
# What a person must do first. The cure other clients have, accepting every answer, pays people: never done here.
FIRST: Final = {
    "UNARCHIVED_POOLS_CONFLICT": "Every pool of the project must be archived first.",
    "PROJECT_INAPPROPRIATE_STATUS": "The project's status does not allow it.",
    "POOL_INAPPROPRIATE_STATUS": "Only a closed pool can be archived.",
    "INAPPROPRIATE_STATUS": "Its status does not allow it.",
    "CONFLICT_STATE": "Its state does not allow it.",
    "TRAINING_ARCHIVE_CONFLICT": "The pools that use the training must be archived first.",
    "SUBMITTED_ASSIGNMENTS_CONFLICT": "Answers wait for review: accept or reject them in Toloka first.",
    "THERE_IS_REJECTED_ASSIGNMENT": "A pool with rejected answers can be archived 9 days after the last rejection.",
    "THERE_IS_ACTIVE_ASSIGNMENT": "People still work on its tasks: wait until they are done.",
}


def fault(status: int, body: object) -> errors.ProviderError | None:
    """By `code`: one status has several, and of some codes no document says the status."""
    error = read.table(body)
    code = read.text(error.get("code"))
    if status < 400 or not code or status in read.PLAIN - {429}:
        return None
    said = f"Toloka answered {status} {code}. " + " ".join(filter(None, (FIRST.get(code), words_of(body))))
    if request := read.text(error.get("request_id")):
        said += f" (Its support asks for this: request {request}.)"
    if status == 429 or code == "TOO_MANY_REQUESTS":
        seconds = INTERVALS.get(read.text(read.table(error.get("payload")).get("interval")), 60.0)
        return BusyError(said, seconds=seconds, pause=True, word=code)
    if code == "POOL_LOCKED_BY_ANOTHER_OPERATION":
        return BusyError(said, seconds=15, word=code)
    if code in UNPROVEN or status in (401, 403):
        return CredentialError(said, word=code)
    if code in MISSING or status in (404, 410):
        return errors.NotFoundError(said, word=code)
    if code in BROKEN or status >= 500:
        return errors.UnclearError(said, word=code)
    return RefusedError(said, code="precondition" if code in FIRST or status == 409 else "", word=code)


def utc(said: str) -> str:
    """A time for a note. Toloka's have no zone and are UTC."""
    try:
        moment = datetime.fromisoformat(said)
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return said


def operation(body: object, project: str, remote_id: str = "") -> Accepted:
    """An operation that archives our project. `status` alone decides: `finished` was seen on running ones."""
    said = read.table(body)
    id_, word, type_ = (read.text(said.get(name)) for name in ("id", "status", "type"))
    if not id_ or not word:
        raise UnreadableError("Toloka answered without an operation.")
    if type_ not in ("", "PROJECT.ARCHIVE"):
        raise UnreadableError(f"The operation {id_} is a {type_}; it archives no project.", final=True)
    read.same(id_, remote_id or id_, "operation")
    read.same(read.table(said.get("parameters")).get("project_id"), project)
    state = WORDS.get(word.lower(), "unknown")
    raw = json.dumps(said["details"], ensure_ascii=False, separators=(",", ":"))[:500] if said.get("details") else ""
    times = ("submitted", "started", "finished") if state in ("done", "failed") else ("submitted", "started")
    note = ", ".join(f"{name} {utc(time)}" for name in times if (time := read.text(said.get(name), 40)))
    sight = Sight(state, word, read.percent(said.get("progress")), note=note)
    if state == "failed":  # No error text is documented for it, so what there is is shown as it is.
        message = f"Toloka could not archive the project{': ' + raw if raw else ', and gives no reason'}."
        sight = Sight(state, word, sight.progress, messages=(raw,) if raw else (), note=note, message=message)
    return Accepted(id_, sight)


def project_status(client: Client, project: str) -> str:
    """GET /projects/:id: ACTIVE or ARCHIVED."""
    body = read.table(client.get(f"{API}/projects/{read.segment(project, 'Toloka')}").body)
    read.same(body.get("id"), project)
    if not (status := read.text(body.get("status"))):
        raise UnreadableError("Toloka answered without the status of the project.")
    return status


def operations(client: Client, project: str) -> Sequence[Mapping[str, Any]]:
    """The project's archive operations among the newest of all: there is no filter by project, and no need of more."""
    params = {**PAGE, "type": "PROJECT.ARCHIVE", "sort": "-submitted"}
    rows = lists.entries(client, f"{API}/operations", params, "items", lists.one_page)
    return [row for row in rows if read.text(read.table(row.get("parameters")).get("project_id")) == project]


def requester(client: Client) -> str:
    """GET /requester: whose token it is, and the balance."""
    body = read.table(client.get(f"{API}/requester").body)
    if not read.text(body.get("id")):
        raise UnreadableError("Toloka answered without an account.")
    name = read.text(read.table(body.get("public_name")).get("EN")) or read.text(body["id"])
    balance = body.get("balance")
    return f"{name}, balance {balance:.2f} USD" if isinstance(balance, int | float) else name
