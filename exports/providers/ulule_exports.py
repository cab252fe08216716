"""Ulule's list of a project's exports: what was there before a request, and what came after. The provider: ulule.py."""

from collections.abc import Mapping
from typing import Any, Final

from exports.providers import contract, parsing
from exports.providers.contract import Job
from exports.providers.paged_lists import collect_linked_pages
from exports.transport.client import Client

NUMERIC_ID: Final = "[1-9][0-9]{0,17}"
ABSENCE_UNPROVEN: Final = "Ulule's list does not prove whether the export was made."


def project_path(job: Job, tail: str = "") -> str:
    """The path of the job's project. Raises NotFoundError for what is no number."""
    return f"/v1/projects/{parsing.path_segment(job.project, 'a project at Ulule (it is a number)', NUMERIC_ID)}{tail}"


def read_baseline(client: Client, job: Job) -> dict[str, Any]:
    """The highest id of the project's exports, and the ids that are no numbers, though documented are only numbers."""
    ids = list(_list_exports(client, job)[0])
    numbers = [number for number in map(parsing.integer, ids) if number is not None]
    others = [id_ for id_ in ids if parsing.integer(id_) is None]
    return {"last": max(numbers, default=0), **({"others": others} if others else {})}


def find_new(client: Client, job: Job) -> tuple[str, Mapping[str, Any]] | contract.Absent | contract.Unknown:
    """The oldest export above the baseline that no other export of the portal watches: its id and row."""
    rows, is_complete = _list_exports(client, job)
    if "last" not in job.baseline:
        return contract.Unknown(ABSENCE_UNPROVEN)
    last, known = job.baseline["last"], {*job.watched_ids, *job.baseline.get("others", ())}
    numbers = {id_: parsing.integer(id_) for id_ in reversed(rows)}  # The newest is the first in the list.
    new = [id_ for id_, number in numbers.items() if id_ not in known and (number is None or number > last)]
    if matches := [id_ for id_ in new if parsing.matches_request(rows[id_], job)]:
        oldest = min(matches, key=lambda id_: numbers[id_] or 0)
        return oldest, rows[oldest]
    return contract.Absent() if is_complete else contract.Unknown(ABSENCE_UNPROVEN, may_turn_up=True)


def _list_exports(client: Client, job: Job) -> tuple[dict[str, Mapping[str, Any]], bool]:
    """The project's exports by id, and whether these are all."""
    path = project_path(job, "/exports")
    return collect_linked_pages(client, path, "exports", _keep_export, project_id=job.project, limit=20)


def _keep_export(row: Mapping[str, Any]) -> dict[str, str]:
    texts = {name: parsing.text(row.get(name)) for name in ("id", "type", "format", "status", "created_at")}
    return {**texts, "url": parsing.first_text(row, "url")}


def keep_name(row: Mapping[str, Any]) -> dict[str, str]:
    """What is kept of a project: its name, which is a text or an i18n object."""
    return {"name": parsing.localized_text(row.get("name"), "")}
