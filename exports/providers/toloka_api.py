"""Toloka's API: errors by code, projects, operations. The provider itself is toloka.py.

Source: https://toloka.ai/docs/api/ (errors, limits, operations, projects, requester).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exports.providers import contract, paged_lists, parsing
from exports.providers.contract import Accepted, Status
from exports.transport import errors
from exports.transport.client import Client
from exports.transport.errors import BusyError, CredentialError, RefusedError, UnreadableError
from exports.transport.responses import error_text

API_PREFIX: Final = "/api/v1"
PAGE_PARAMETERS: Final = {"sort": "id", "limit": 300}  # 300 is the maximum of a page.
STATUS_MAP: Final[Mapping[str, contract.JobState]] = {
    "pending": "running",
    "running": "running",
    "success": "done",
    "fail": "failed",
}
RATE_LIMIT_SECONDS: Final = {"MIN": 60.0, "HOUR": 3600.0, "DAY": 86400.0}
UNAUTHENTICATED_CODES: Final = {"AUTHENTICATION_ERROR", "OAUTH_AUTHENTICATION_ERROR", "ACCESS_DENIED"}
NOT_FOUND_CODES: Final = {"DOES_NOT_EXIST", "NOT_FOUND"}
SERVER_ERROR_CODES: Final = {"INTERNAL_ERROR", "OPERATION_EXECUTION_ERROR", "REMOTE_SERVICE_UNAVAILABLE"}
# What a person must do first. Other clients accept every answer instead, which pays people: never done here.
PRECONDITIONS: Final = {
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


def error_from_response(status: int, body: object) -> errors.ProviderError | None:
    """By `code`: one status has several codes, and the status of some codes is not documented."""
    error = parsing.mapping(body)
    code = parsing.text(error.get("code"))
    if status < 400 or not code or status in parsing.SELF_EXPLAINING_STATUSES - {429}:
        return None
    sentence = f"Toloka answered {status} {code}. " + " ".join(
        filter(None, (PRECONDITIONS.get(code), error_text(body)))
    )
    if request_id := parsing.text(error.get("request_id")):
        sentence += f" (Its support asks for this: request {request_id}.)"
    if status == 429 or code == "TOO_MANY_REQUESTS":
        seconds = RATE_LIMIT_SECONDS.get(parsing.text(parsing.mapping(error.get("payload")).get("interval")), 60.0)
        return BusyError(sentence, seconds=seconds, pause=True, provider_status=code)
    if code == "POOL_LOCKED_BY_ANOTHER_OPERATION":
        return BusyError(sentence, seconds=15, provider_status=code)
    if code in UNAUTHENTICATED_CODES or status in (401, 403):
        known = code == "ACCESS_DENIED" or (status == 403 and code not in UNAUTHENTICATED_CODES)
        return CredentialError(sentence, known=known, provider_status=code)
    if code in NOT_FOUND_CODES or status in (404, 410):
        return errors.NotFoundError(sentence, provider_status=code)
    if code in SERVER_ERROR_CODES or status >= 500:
        return errors.UnclearError(sentence, provider_status=code)
    is_precondition = code in PRECONDITIONS or status == 409
    return RefusedError(sentence, code="precondition" if is_precondition else "", provider_status=code)


def format_utc(time: str) -> str:
    """One of Toloka's times for a note. Those without a zone are UTC; what is no time stays as it is."""
    try:
        moment = datetime.fromisoformat(time)
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return time


def parse_operation(body: object, project: str, remote_id: str = "") -> Accepted:
    """An operation that archives the project. `status` alone decides: running ones were seen with `finished`.

    Raises UnreadableError when it is another operation.
    """
    operation = parsing.mapping(body)
    id_, word, type_ = (parsing.text(operation.get(name)) for name in ("id", "status", "type"))
    if not id_ or not word:
        raise UnreadableError("Toloka answered without an operation.")
    if type_ not in ("", "PROJECT.ARCHIVE"):
        raise UnreadableError(f"The operation {id_} is a {type_}; it archives no project.", final=True)
    parsing.check_id(id_, remote_id or id_, "operation")
    parsing.check_id(parsing.mapping(operation.get("parameters")).get("project_id"), project)
    state = STATUS_MAP.get(word.lower(), "unknown")
    raw = (
        json.dumps(operation["details"], ensure_ascii=False, separators=(",", ":"))[:500]
        if operation.get("details")
        else ""
    )
    times = ("submitted", "started", "finished") if state in ("done", "failed") else ("submitted", "started")
    note = ", ".join(f"{name} {format_utc(time)}" for name in times if (time := parsing.text(operation.get(name), 40)))
    progress = parsing.percent(operation.get("progress"))
    status = Status(state, word, progress, note=note)
    if state == "failed":  # No error text is documented, so the raw details are shown.
        message = f"Toloka could not archive the project{': ' + raw if raw else ', and gives no reason'}."
        status = Status(state, word, progress, messages=(raw,) if raw else (), note=note, message=message)
    return Accepted(id_, status)


def project_status(client: Client, project: str) -> str:
    """GET /projects/:id: ACTIVE or ARCHIVED."""
    body = parsing.mapping(client.get(f"{API_PREFIX}/projects/{parsing.path_segment(project, 'Toloka')}").body)
    parsing.check_id(body.get("id"), project)
    if not (status := parsing.text(body.get("status"))):
        raise UnreadableError("Toloka answered without the status of the project.")
    return status


def list_archive_operations(client: Client, project: str) -> Sequence[Mapping[str, Any]]:
    """The project's archive operations among the newest 300 of all projects: the API has no filter by project."""
    params = {**PAGE_PARAMETERS, "type": "PROJECT.ARCHIVE", "sort": "-submitted"}
    rows = paged_lists.collect_entries(client, f"{API_PREFIX}/operations", params, "items", paged_lists.first_page_only)
    return [row for row in rows if parsing.text(parsing.mapping(row.get("parameters")).get("project_id")) == project]


def describe_requester(client: Client) -> str:
    """GET /requester: the name of the token's owner and the balance, for people."""
    body = parsing.mapping(client.get(f"{API_PREFIX}/requester").body)
    if not parsing.text(body.get("id")):
        raise UnreadableError("Toloka answered without an account.")
    name = parsing.text(parsing.mapping(body.get("public_name")).get("EN")) or parsing.text(body["id"])
    balance = body.get("balance")
    has_balance = isinstance(balance, int | float) and balance is not True and abs(balance) < 1e12
    return f"{name}, balance {balance:.2f} USD" if has_balance else name
