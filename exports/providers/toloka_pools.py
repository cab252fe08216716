"""Toloka's pools and trainings, which must be archived before their project. The provider itself is toloka.py.

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
from exports.transport.errors import ProviderError, RefusedError, UnclearError, UnreadableError

BATCH_SIZE: Final = 20
MAX_NAMED: Final = 20
FIELDS: Final = paged_lists.texts("id", "project_id", "private_name", "status")
# With growing pauses, about five minutes.
ROUNDS_UNTIL_SECOND_REQUEST: Final = 20
SECOND_REQUEST: Final = (ROUNDS_UNTIL_SECOND_REQUEST,)


class Pool(NamedTuple):
    """A pool or a training. `list` names the list that it is in: "pools" or "trainings"."""

    list: str
    id: str
    name: str
    status: str

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.list[:-1], self.id, f"“{self.name}”" if self.name else "", f"({self.status})"))
        )


def list_unarchived(client: Client, project: str, *names: str) -> list[Pool]:
    """What is not archived yet in these lists ("pools", "trainings"), in order. Raises UnreadableError."""
    unarchived = []
    for name in names:
        path, params = f"{api.API_PREFIX}/{name}", {**api.PAGE_PARAMETERS, "project_id": project}
        for row in paged_lists.collect_entries(client, path, params, "items", paged_lists.next_by_last_id, FIELDS):
            # What a list that ignores the filter names must not be archived.
            if not parsing.check_id(row.get("project_id"), project):
                raise UnreadableError(f"Toloka lists {name} without their project.")
            title, status = parsing.text(row.get("private_name"), 60), parsing.text(row.get("status"))
            if status != "ARCHIVED":
                unarchived.append(Pool(name, parsing.text(row["id"]), title, status))
    return unarchived


def format_pools(pools: Sequence[Pool]) -> str:
    """The first twenty, and how many more there are."""
    more = f" and {len(pools) - MAX_NAMED} more" if len(pools) > MAX_NAMED else ""
    return ", ".join(map(str, pools[:MAX_NAMED])) + more


def count_by_status(pools: Sequence[Pool]) -> str:
    """How many there are of each list and status: "2 CLOSED pools, 1 OPEN pool"."""
    counts = Counter((pool.list, pool.status) for pool in pools)
    return ", ".join(f"{n} {status} {name if n > 1 else name[:-1]}" for (name, status), n in counts.items())


def describe_unarchived(client: Client, project: str) -> str:
    """A sentence for a conflict: the pools that are not archived, or else the trainings. "" when Toloka lists none."""
    try:
        pools = list_unarchived(client, project, "pools") or list_unarchived(client, project, "trainings")
    except ProviderError:
        return ""
    return f" Not archived: {format_pools(pools)}." if pools else ""


def archive_closed(client: Client, job: Job) -> contract.NotYet | None:
    """One round of archiving closed pools, then closed trainings; None when none is left. Harmless to repeat.

    Raises RefusedError when one is not closed, or could not be archived.
    """
    unarchived = list_unarchived(client, job.project, "pools", "trainings")
    if not_closed := [pool for pool in unarchived if pool.status != "CLOSED"]:
        names = format_pools(not_closed)
        sentence = f"Only closed ones can be archived, and the portal never closes one. Not closed: {names}."
        raise RefusedError(sentence, code="precondition", provider_status=not_closed[0].status)
    batch = [pool for pool in unarchived if pool.list == unarchived[0].list]
    ids = {pool.id for pool in batch}
    memo = {"running": {}, "unnamed": {}, **job.memo}
    running = {id_: operation for id_, operation in parsing.mapping(memo["running"]).items() if id_ in ids}
    # Rounds since a request was sent whose answer named no operation. It is sent at most twice.
    unnamed = {id_: rounds + 1 for id_, rounds in parsing.mapping(memo["unnamed"]).items() if id_ in ids}
    for pool in batch:
        if pool.id in running:
            _check_operation(client, pool, running[pool.id])
        if unnamed.get(pool.id, 0) >= 2 * ROUNDS_UNTIL_SECOND_REQUEST:
            sentence = f"Toloka was asked twice to archive {pool}, and named no operation. It is not archived."
            raise RefusedError(sentence, code="provider_failed", provider_status=pool.status)
    due = [pool for pool in batch if pool.id not in running and unnamed.get(pool.id) in (None, *SECOND_REQUEST)]
    for pool in due[: max(BATCH_SIZE - len(running), 0)]:
        if operation := _archive(client, pool):
            running[pool.id] = operation
            unnamed.pop(pool.id, None)
        else:
            unnamed.setdefault(pool.id, 0)
    seconds = min(3.0 * 1.2 ** max(unnamed.values(), default=0), 30.0)
    memo |= {"running": running, "unnamed": unnamed}
    memo = memo if unnamed else {name: value for name, value in memo.items() if name != "unnamed"}
    return contract.NotYet(seconds, f"Archives first: {format_pools(batch)}.", memo) if unarchived else None


def _check_operation(client: Client, pool: Pool, operation: str) -> None:
    """GET /operations/:id. Raises RefusedError when it failed to archive the pool."""
    path = f"{api.API_PREFIX}/operations/{parsing.path_segment(operation, 'Toloka')}"
    body = parsing.mapping(client.get(path).body)
    if api.STATUS_MAP.get(parsing.text(body.get("status")).lower()) == "failed":
        details = json.dumps(body.get("details") or {})[:500]
        sentence = f"Toloka could not archive {pool}: {details}"
        raise RefusedError(sentence, code="provider_failed", provider_status="FAIL")


def _archive(client: Client, pool: Pool) -> str:
    """POST /pools/:id/archive or /trainings/:id/archive: the operation's id, "" where the answer names none.

    That is 204 (it was archived already), another 2xx, or an answer that leaves open whether it was executed.
    """
    path = f"{api.API_PREFIX}/{pool.list}/{parsing.path_segment(pool.id, 'Toloka')}/archive"
    try:
        body = client.post(path, creates=True).body
    except UnclearError:
        return ""
    except RefusedError as refusal:
        if refusal.code != "precondition":
            raise
        sentence = f"{pool} cannot be archived. {refusal.message}"
        raise RefusedError(sentence, code="precondition", provider_status=refusal.provider_status) from None
    return parsing.text(parsing.mapping(body).get("id"))
