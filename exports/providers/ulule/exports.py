"""The exports of a Ulule project: what was there before a request, what came after.

Source: https://developers.ulule.com, reference/export.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from exports.providers import contract, parsing
from exports.providers.contract import Job
from exports.providers.jobs import parse_job, times_note
from exports.providers.paged_lists import IncompleteList, new_ids
from exports.providers.ulule.lists import read_list
from exports.transport.client import Client
from exports.transport.errors import UnreadableError

Row = Mapping[str, Any]
NUMERIC_ID: Final = "[1-9][0-9]{0,17}"
ABSENCE_UNPROVEN: Final = "Ulule's list does not prove whether the export was made."


def project_path(job: Job, tail: str = "") -> str:
    """The path of the job's project. Raises NotFoundError for what is no number."""
    return f"/v1/projects/{parsing.path_segment(job.project, 'a project at Ulule (it is a number)', NUMERIC_ID)}{tail}"


def read_baseline(client: Client, job: Job) -> dict[str, Any]:
    """The highest id of the project's exports, and the ids that are no numbers, though documented are only numbers."""
    ids = [row["id"] for row in _list_exports(client, job)]
    numbers = [number for number in map(parsing.integer, ids) if number is not None]
    others = [id_ for id_ in ids if parsing.integer(id_) is None]
    return {"last": max(numbers, default=0), **({"others": others} if others else {})}


def find_new(client: Client, job: Job) -> Row | contract.Absent | contract.Unknown:
    """The oldest export above the baseline that no other export of the portal watches."""
    listed = _list_exports(client, job)
    if "last" not in job.baseline:
        return contract.Unknown(ABSENCE_UNPROVEN)
    rows = {row["id"]: row for row in reversed(listed)}  # The newest is the first in the list.
    numbers = {id_: parsing.integer(id_) for id_ in new_ids(rows, job.baseline.get("others", ()), job)}
    new = [id_ for id_, number in numbers.items() if number is None or number > job.baseline["last"]]
    if matches := [id_ for id_ in new if is_of_request(rows[id_], job)]:
        return rows[min(matches, key=lambda id_: numbers[id_] or 0)]
    is_complete = not isinstance(listed, IncompleteList)
    return contract.Absent() if is_complete else contract.Unknown(ABSENCE_UNPROVEN, may_turn_up=True)


def parse_own(body: object, job: Job) -> Row:
    """An export of the job's project, type and format, and, once it is known, of its id. Raises UnreadableError."""
    row = parse_job(body, "Ulule", job.remote_id)[1]
    if not parsing.check_id(row.get("project_id"), job.project) or not parsing.remote_id(row.get("id")):
        raise UnreadableError("The answer holds no job of this project.")
    if not is_of_request(row, job):
        raise UnreadableError("The answer is about a job of another type or format.", final=bool(job.remote_id))
    return row


def is_of_request(row: Row, job: Job) -> bool:
    """Whether the row has the type and format of the job, as far as it names them."""
    return (row.get("type") or job.type, row.get("format") or job.format) == (job.type, job.format)


def _list_exports(client: Client, job: Job) -> list[Row]:
    """The project's exports. Raises UnreadableError when one is of another project."""

    def keep(row: Row) -> Row:
        parsing.check_id(row.get("project_id"), job.project)
        texts = {name: parsing.text(row.get(name)) for name in ("type", "format", "status", "created_at")}
        return {**texts, "id": parsing.remote_id(row["id"]), "url": parsing.first_text(row, "url")}

    return read_list(client, project_path(job, "/exports"), "exports", keep, limit=20)


def read_status(row: Row, map_status: Callable[[str], contract.JobState]) -> contract.Status:
    """What an export's row says of it."""
    word = parsing.text(row.get("status"))
    state = map_status(word)
    link = parsing.first_text(row, "url") if state == "done" else ""
    message = "Ulule made no file, and gives no reason." if state == "failed" else ""
    return contract.Status(state, word, link=link, note=times_note(row, {"created_at": "made"}), message=message)
