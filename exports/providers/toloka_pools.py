"""Toloka's pools and trainings, which are archived before their project. The provider itself is toloka.py.

Source: https://toloka.ai/docs/api/ (pools, pool archive, training archive).
"""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from exports.providers import base, lists, read
from exports.providers import toloka_api as api
from exports.providers.base import Job
from exports.providers.errors import ProviderError, RefusedError, UnreadableError
from exports.providers.http import Client

BATCH: Final = 20
NAMED: Final = 20


class Part(NamedTuple):
    """A pool or a training. `list` is the list it stands in."""

    list: str
    id: str
    name: str
    status: str

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.list[:-1], self.id, f"“{self.name}”" if self.name else "", f"({self.status})"))
        )


def parts(client: Client, project: str, *names: str) -> list[Part]:
    """What is not archived yet in these lists (`pools`, `trainings`), in order."""
    found = []
    for name in names:
        params = {**api.PAGE, "project_id": project}
        for row in lists.entries(client, f"{api.API}/{name}", params, "items", lists.by_last_id):
            if not read.same(row.get("project_id"), project):  # A list that ignores the filter must not be archived.
                raise UnreadableError(f"Toloka lists {name} without their project.")
            part = Part(
                name, read.text(row["id"]), read.text(row.get("private_name"), 60), read.text(row.get("status"))
            )
            found += [part] if part.status != "ARCHIVED" else []
    return found


def listed(some: Sequence[Part]) -> str:
    """The first twenty, and how many more."""
    more = f" and {len(some) - NAMED} more" if len(some) > NAMED else ""
    return ", ".join(map(str, some[:NAMED])) + more


def counted(some: Sequence[Part]) -> str:
    """How many of each list and status: "2 CLOSED pools, 1 OPEN pool"."""
    counts = Counter((part.list, part.status) for part in some)
    return ", ".join(f"{n} {status} {name if n > 1 else name[:-1]}" for (name, status), n in counts.items())


def unarchived(client: Client, project: str) -> str:
    """For a conflict: which pools are in the way, or trainings where no pool is. No answer takes nothing from it."""
    try:
        left = parts(client, project, "pools") or parts(client, project, "trainings")
    except ProviderError:
        return ""
    return f" Not archived: {listed(left)}." if left else ""


def archive_parts(client: Client, job: Job) -> base.NotYet | None:
    """One round of archiving closed pools, then closed trainings; None when none is left. Harmless to repeat."""
    left = parts(client, job.project, "pools", "trainings")
    if stuck := [part for part in left if part.status != "CLOSED"]:
        sentence = f"Only closed ones can be archived, and the portal never closes one. Not closed: {listed(stuck)}."
        raise RefusedError(sentence, code="precondition", word=stuck[0].status)
    turn = [part for part in left if part.list == left[0].list]
    running = read.table(job.memo.get("running"))
    running = {part.id: running[part.id] for part in turn if part.id in running}
    for part in turn:
        if part.id in running:
            body = read.table(client.get(f"{api.API}/operations/{read.segment(running[part.id], 'Toloka')}").body)
            if api.WORDS.get(read.text(body.get("status")).lower()) == "failed":
                details = json.dumps(body.get("details") or {})[:500]
                raise RefusedError(f"Toloka could not archive {part}: {details}", code="provider_failed", word="FAIL")
    for part in [part for part in turn if part.id not in running][: max(BATCH - len(running), 0)]:
        running[part.id] = _archive(client, part)
    memo = {**job.memo, "running": {id_: operation for id_, operation in running.items() if operation}}
    return base.NotYet(3.0, f"Archives first: {listed(turn)}.", memo) if left else None


def _archive(client: Client, part: Part) -> str:
    """POST /pools/:id/archive or /trainings/:id/archive: the id of the operation, "" for 204 (it was archived)."""
    try:
        body = client.post(f"{api.API}/{part.list}/{read.segment(part.id, 'Toloka')}/archive", makes=True).body
    except RefusedError as no:
        if no.code != "precondition":
            raise
        raise RefusedError(f"{part} cannot be archived. {no.message}", code="precondition", word=no.word) from None
    return read.text(read.table(body).get("id"))
