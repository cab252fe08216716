"""Toloka's pools and trainings, which are archived before their project. The provider itself is toloka.py.

Source: https://toloka.ai/docs/api/ (pools, pool archive, training archive).
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from exports.providers import contract, paged_lists, parsing
from exports.providers import toloka_api as api
from exports.providers.contract import Job
from exports.transport.client import Client
from exports.transport.errors import ProviderError, RefusedError, UnreadableError

BATCH_SIZE: Final = 20
MAX_NAMED: Final = 20


class Pool(NamedTuple):
    """A pool or a training. `list` is the list it stands in."""

    list: str
    id: str
    name: str
    status: str

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.list[:-1], self.id, f"“{self.name}”" if self.name else "", f"({self.status})"))
        )


def list_unarchived(client: Client, project: str, *names: str) -> list[Pool]:
    """What is not archived yet in these lists (`pools`, `trainings`), in order."""
    found = []
    for name in names:
        params = {**api.PAGE_PARAMETERS, "project_id": project}
        for row in paged_lists.collect_entries(
            client, f"{api.API_PREFIX}/{name}", params, "items", paged_lists.next_by_last_id
        ):
            if not parsing.check_id(
                row.get("project_id"), project
            ):  # A list that ignores the filter must not be archived.
                raise UnreadableError(f"Toloka lists {name} without their project.")
            part = Pool(
                name,
                parsing.text(row["id"]),
                parsing.text(row.get("private_name"), 60),
                parsing.text(row.get("status")),
            )
            found += [part] if part.status != "ARCHIVED" else []
    return found


def format_pools(some: Sequence[Pool]) -> str:
    """The first twenty, and how many more."""
    more = f" and {len(some) - MAX_NAMED} more" if len(some) > MAX_NAMED else ""
    return ", ".join(map(str, some[:MAX_NAMED])) + more


def count_by_status(some: Sequence[Pool]) -> str:
    """How many of each list and status: "2 CLOSED pools, 1 OPEN pool"."""
    counts = Counter((part.list, part.status) for part in some)
    return ", ".join(f"{n} {status} {name if n > 1 else name[:-1]}" for (name, status), n in counts.items())


def describe_unarchived(client: Client, project: str) -> str:
    """For a conflict: which pools are in the way, or trainings where no pool is. No answer takes nothing from it."""
    try:
        left = list_unarchived(client, project, "pools") or list_unarchived(client, project, "trainings")
    except ProviderError:
        return ""
    return f" Not archived: {format_pools(left)}." if left else ""


def archive_closed(client: Client, job: Job) -> contract.NotYet | None:
    """One round of archiving closed pools, then closed trainings; None when none is left. Harmless to repeat."""
    left = list_unarchived(client, job.project, "pools", "trainings")
    if stuck := [part for part in left if part.status != "CLOSED"]:
        sentence = (
            f"Only closed ones can be archived, and the portal never closes one. Not closed: {format_pools(stuck)}."
        )
        raise RefusedError(sentence, code="precondition", provider_status=stuck[0].status)
    turn = [part for part in left if part.list == left[0].list]
    running = parsing.mapping(job.memo.get("running"))
    running = {part.id: running[part.id] for part in turn if part.id in running}
    for part in turn:
        if part.id in running:
            body = parsing.mapping(
                client.get(f"{api.API_PREFIX}/operations/{parsing.path_segment(running[part.id], 'Toloka')}").body
            )
            if api.STATUS_MAP.get(parsing.text(body.get("status")).lower()) == "failed":
                details = json.dumps(body.get("details") or {})[:500]
                raise RefusedError(
                    f"Toloka could not archive {part}: {details}", code="provider_failed", provider_status="FAIL"
                )
    for part in [part for part in turn if part.id not in running][: max(BATCH_SIZE - len(running), 0)]:
        running[part.id] = _archive(client, part)
    memo = {**job.memo, "running": {id_: operation for id_, operation in running.items() if operation}}
    return contract.NotYet(3.0, f"Archives first: {format_pools(turn)}.", memo) if left else None


def _archive(client: Client, part: Pool) -> str:
    """POST /pools/:id/archive or /trainings/:id/archive: the id of the operation, "" for 204 (it was archived)."""
    try:
        body = client.post(
            f"{api.API_PREFIX}/{part.list}/{parsing.path_segment(part.id, 'Toloka')}/archive", creates=True
        ).body
    except RefusedError as no:
        if no.code != "precondition":
            raise
        raise RefusedError(
            f"{part} cannot be archived. {no.message}", code="precondition", provider_status=no.provider_status
        ) from None
    return parsing.text(parsing.mapping(body).get("id"))
