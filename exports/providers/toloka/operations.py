"""Toloka's projects, and the operations that archive them.

Source: https://toloka.ai/docs/api/ (operations, projects).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exports.providers import contract, paged_lists, parsing
from exports.providers.contract import Accepted, Status
from exports.providers.jobs import parse_job, times_note
from exports.transport.client import Client
from exports.transport.errors import UnreadableError

API_PREFIX: Final = "/api/v1"
PAGE_PARAMETERS: Final = {"sort": "id", "limit": 300}  # 300 is the maximum of a page.
STATUS_MAP: Final[Mapping[str, contract.JobState]] = {
    "pending": "running",
    "running": "running",
    "success": "done",
    "fail": "failed",
}
NEXT_PAGE: Final = paged_lists.after_last_id("id_gt", "has_more")
# Whether archiving an archived project answers 204 or a conflict is not documented; both mean the same.
ALREADY_ARCHIVED: Final = Accepted("", Status("done", "ARCHIVED", 100.0, note="The project was already archived."))
ARCHIVED: Final = Accepted("", Status("done", "ARCHIVED", 100.0, note="The project is archived."))
TIMES: Final = {"submitted": "submitted", "started": "started"}


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
    id_, operation = parse_job(body, "Toloka", remote_id, "operation")
    word, type_ = parsing.text(operation.get("status")), parsing.text(operation.get("type"))
    if not word or not operation.get("id"):
        raise UnreadableError("Toloka answered without an operation.")
    if type_ not in ("", "PROJECT.ARCHIVE"):
        raise UnreadableError(f"The operation {id_} is a {type_}; it archives no project.", final=True)
    parsing.check_id(parsing.below(operation, "parameters", "project_id"), project)
    state = STATUS_MAP.get(word.lower(), "unknown")
    times = TIMES | ({"finished": "finished"} if state in ("done", "failed") else {})
    note, progress = times_note(operation, times, format_utc), parsing.percent(operation.get("progress"))
    if state != "failed":
        return Accepted(id_, Status(state, word, progress, note=note))
    # No error text is documented, so the raw details are shown.
    details = operation.get("details")
    raw = json.dumps(details, ensure_ascii=False, separators=(",", ":"))[:500] if details else ""
    message = f"Toloka could not archive the project{': ' + raw if raw else ', and gives no reason'}."
    return Accepted(id_, Status(state, word, progress, messages=(raw,) if raw else (), note=note, message=message))


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
    rows = paged_lists.collect_entries(client, f"{API_PREFIX}/operations", params, "items", lambda page, ids: {})
    return [row for row in rows if parsing.text(parsing.below(row, "parameters", "project_id")) == project]
